#!/usr/bin/env node
// Adds up the reports in .build/reports: test2json lines of Go, the JSON reporters of vitest and playwright, verify's own table.
// Prints one line a report. Its last line is "PASSED FAILED", two numbers, for .ci/run.
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const dir = process.argv[2]

/** Go: every test and subtest once; a package that fails without a failed test (it does not build, it panics) counts as one. */
function go(text) {
  const count = { passed: 0, failed: 0, skipped: 0 }
  const failedIn = new Set()
  const broken = new Set()
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue
    const event = JSON.parse(line)
    if (event.Test) {
      if (event.Action === 'pass') count.passed++
      if (event.Action === 'skip') count.skipped++
      if (event.Action === 'fail') {
        count.failed++
        failedIn.add(event.Package)
      }
    } else if (event.Action === 'fail') broken.add(event.Package)
  }
  for (const name of broken) if (!failedIn.has(name)) count.failed++
  return count
}

function vitest(text) {
  const report = JSON.parse(text)
  const broken = report.testResults.filter((file) => file.status === 'failed' && !file.assertionResults.some((t) => t.status === 'failed'))
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + (report.numTodoTests ?? 0),
  }
}

function playwright(text) {
  const { stats, errors } = JSON.parse(text)
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky + errors.length, skipped: stats.skipped }
}

function verify(text) {
  const rows = text.split('\n').filter(Boolean)
  return {
    passed: rows.filter((row) => row.startsWith('passed')).length,
    failed: rows.filter((row) => row.startsWith('failed')).length,
    skipped: 0,
  }
}

const readers = { 'vitest.json': vitest, 'playwright.json': playwright, 'verify.tsv': verify }
const total = { passed: 0, failed: 0 }
for (const file of readdirSync(dir).sort()) {
  const reader = file.endsWith('.jsonl') ? go : readers[file]
  if (!reader) continue
  const count = reader(readFileSync(join(dir, file), 'utf8'))
  console.log(
    `  ${basename(file).replace(/\..*/, '').padEnd(14)} ${String(count.passed).padStart(5)} passed ${String(count.failed).padStart(4)} failed` +
      (count.skipped ? ` ${count.skipped} skipped` : ''),
  )
  total.passed += count.passed
  total.failed += count.failed + count.skipped // what a test needs is fetched or the test fails; nothing is skipped here
}
console.log(`${total.passed} ${total.failed}`)
