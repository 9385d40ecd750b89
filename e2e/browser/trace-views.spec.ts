// The ways of looking at one trace: on an ollyScale of its own, with traces that have something of everything, and with large ones.

import { randomBytes } from 'node:crypto';
import { withOwn } from './own';
import { expect, spanRows, traceRows } from './page';

const test = withOwn();
test.use({ actionTimeout: 15_000 });

const id = (bytes: number) => randomBytes(bytes).toString('hex');
const text = (key: string, value: string) => ({ key, value: { stringValue: value } });
const began = BigInt(Date.now() - 60_000) * 1_000_000n;
const millis = (at: number) => String(began + BigInt(at) * 1_000_000n);

interface Told {
  service: string;
  spanId?: string;
  parentSpanId?: string;
  name: string;
  from: number;
  to: number;
  [rest: string]: unknown;
}

/** Spans of a trace as OTLP, times in milliseconds. */
const otlp = (traceId: string, spans: readonly Told[]) => ({
  resourceSpans: spans.map(({ service, from, to, ...rest }) => ({
    resource: { attributes: [text('service.name', service)] },
    scopeSpans: [
      {
        spans: [
          {
            ...{ traceId, spanId: id(8), kind: 1 },
            ...{ startTimeUnixNano: millis(from), endTimeUnixNano: millis(to) },
            ...rest,
          },
        ],
      },
    ],
  })),
});

const failed = { status: { code: 2, message: 'no index' } };
const traceId = id(16);
const [root, chat, tool] = [id(8), id(8), id(8)];
const story = otlp(traceId, [
  { service: 'agent', spanId: root, name: 'shopper', from: 0, to: 900, ...failed },
  {
    ...{ service: 'agent', spanId: chat, parentSpanId: root, name: 'chat', from: 20, to: 480 },
    attributes: [
      text('gen_ai.operation.name', 'chat'),
      text('gen_ai.input.messages', '[{"role":"user","parts":[{"type":"text","content":"Which telescope?"}]}]'),
      text('gen_ai.output.messages', '[{"role":"assistant","parts":[{"type":"text","content":"The small one."}]}]'),
    ],
  },
  { service: 'agent', spanId: tool, parentSpanId: root, name: 'tool', kind: 3, from: 500, to: 880, ...failed },
  { service: 'catalogue', parentSpanId: tool, name: 'query', kind: 2, from: 490, to: 700, ...failed },
  { service: 'catalogue', parentSpanId: id(8), name: 'orphan', from: 300, to: 400 },
]);
const slower = id(16);
const other = otlp(slower, [
  { service: 'agent', spanId: root, name: 'shopper', from: 1_000, to: 3_000 },
  { service: 'agent', parentSpanId: root, name: 'chat', from: 1_020, to: 2_900 },
]);

test.beforeAll(async ({ own }) => {
  await own.send('traces', story);
  await own.send('traces', other);
});

test('a trace says what it is in a line, and what is wrong with it in words', async ({ page }) => {
  await page.goto(`/traces/${traceId}`);
  const summary = page.getByRole('region', { name: 'Summary' });
  await expect(spanRows(page)).toHaveCount(5, { timeout: 20_000 });
  for (const fact of ['900 ms', '5 spans', '3 errors', '2 services']) await expect(summary).toContainText(fact);
  expect((await summary.boundingBox())!.height).toBe(44);
  await expect(page.getByRole('button', { name: '1 span whose parent is missing' })).toBeVisible();
  await expect(page.getByRole('button', { name: /^Clocks differ by/ })).toBeVisible();

  await page.getByRole('button', { name: 'Jump to cause' }).click();
  await expect(
    page.getByRole('treeitem', { name: 'catalogue query, 210 ms, cause of the error, error' }),
  ).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('tree', { name: 'Spans' }).focus();
  await page.keyboard.press('e');
  await expect(page.getByRole('treeitem', { name: 'agent shopper, 900 ms, error' })).toHaveAttribute(
    'aria-selected',
    'true',
  );
});

test('a subtree is looked at alone, by an address that leads back to it', async ({ page }) => {
  await page.goto(`/traces/${traceId}?span=${tool}`);
  await expect(spanRows(page)).toHaveCount(5, { timeout: 20_000 });
  await page.getByRole('button', { name: 'Focus' }).click();
  await expect(spanRows(page)).toHaveCount(2);
  await expect(page).toHaveURL(new RegExp(`focus=${tool}`));
  await page.reload();
  await expect(spanRows(page)).toHaveCount(2);
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect(spanRows(page)).toHaveCount(5);
});

test('each way of looking at a trace has an address', async ({ page }) => {
  await page.goto(`/traces/${traceId}?span=${chat}`);
  const details = page.getByRole('complementary', { name: 'Span details' });
  await expect(details.getByText('Which telescope?')).toBeVisible({ timeout: 20_000 });
  await expect(details.getByText('The small one.')).toBeVisible();

  for (const [tab, shows] of [
    ['Flame', page.getByRole('group', { name: /^Flame graph of 5 spans/ })],
    ['Table', page.getByRole('list', { name: 'Operations of the trace' }).getByText('query')],
    ['Map', page.getByRole('button', { name: /^catalogue, 2 spans/ })],
    ['JSON', page.getByText('"resourceSpans"')],
  ] as const) {
    await page.getByRole('tab', { name: tab, exact: true }).click();
    await expect(shows).toBeVisible();
    await expect(page).toHaveURL(new RegExp(`tab=${tab.toLowerCase()}`));
  }

  // An operation of the table leads to its spans, and stays what is looked for.
  await page.getByRole('tab', { name: 'Table', exact: true }).click();
  await page.getByRole('list', { name: 'Operations of the trace' }).getByText('query').click();
  await expect(page.getByRole('textbox', { name: 'Find spans' })).toHaveValue('query');
  await page.waitForTimeout(500); // what is typed is written into the address after 300 ms
  await expect(page).toHaveURL(/find=query/);
  await expect(page.getByRole('textbox', { name: 'Find spans' })).toHaveValue('query');
});

test('two traces are compared', async ({ page }) => {
  await page.goto(`/traces/${traceId}?tab=compare`);
  await page.getByRole('textbox', { name: 'Trace to compare with' }).fill(slower);
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await expect(page.getByText('2 spans in both')).toBeVisible();
  await expect(page.getByText('3 only in A')).toBeVisible();
  await expect(page.getByRole('cell', { name: '+1.1 s' })).toBeVisible();
});

test('the list goes on from trace to trace, and says where it ends', async ({ page }) => {
  await page.goto('/traces?q=service = agent&sort=-duration');
  await expect(traceRows(page)).toHaveCount(2, { timeout: 20_000 });
  await traceRows(page).first().click();
  const walk = page.getByRole('group', { name: 'The list it was opened from' });
  await expect(walk).toContainText('1 of 2');
  await expect(walk.getByLabel(/^Previous trace: This is the first/)).toBeVisible();
  await page.keyboard.press(']');
  await expect(page).toHaveURL(new RegExp(`/traces/${traceId}`));
  await expect(walk).toContainText('2 of 2');
  await expect(walk.getByLabel(/^Next trace: This is the last/)).toBeVisible();
  await page.goBack();
  await expect(traceRows(page)).toHaveCount(2);
});

test('a file is opened here, and nothing of it is sent', async ({ page }) => {
  await page.goto('/traces/file');
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.method() !== 'GET') sent.push(request.url());
  });
  const file = page.locator('input[type=file]');
  await file.setInputFiles({ name: 'bad.json', mimeType: 'application/json', buffer: Buffer.from('{"a":1}') });
  await expect(page.getByRole('alert')).toContainText('neither OTLP');
  await file.setInputFiles({
    name: 'story.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(story)),
  });
  await expect(spanRows(page)).toHaveCount(5);
  await expect(page.getByRole('region', { name: 'Summary' })).toContainText('file story.json');
  await spanRows(page).first().click();
  await expect(page.getByRole('complementary', { name: 'Span details' })).toBeVisible();
  expect(sent).toEqual([]);
});

for (const count of [10_000, 50_000]) {
  test(`a trace of ${count} spans has the rows in sight alone, and answers`, async ({ page, own }) => {
    test.setTimeout(180_000);
    const large = id(16);
    const ids = Array.from({ length: count }, () => id(8));
    for (let from = 0; from < count; from += 5_000) {
      const spans = ids.slice(from, from + 5_000).map((spanId, i) => ({
        ...{ traceId: large, spanId, name: `step ${from + i}`, kind: 1 },
        parentSpanId: from + i === 0 ? '' : ids[Math.floor((from + i - 1) / 4)],
        startTimeUnixNano: String(began + BigInt(from + i) * 1_000n),
        endTimeUnixNano: String(began + BigInt(from + i) * 1_000n + (from + i === 0 ? 1_000_000_000n : 500_000n)),
        attributes: [text('http.route', '/cart/{id}'), text('user.id', `user-${i % 50}`)],
      }));
      const resource = { attributes: [text('service.name', `batch-${from / 5_000}`)] };
      await own.send('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans }] }] });
    }
    await expect(async () => {
      await page.goto(`/traces/${large}`);
      await expect(page.getByRole('region', { name: 'Summary' })).toContainText(
        `${count.toLocaleString('en-US')} spans`,
        {
          timeout: 20_000,
        },
      );
    }).toPass({ timeout: 90_000 });
    expect(await spanRows(page).count()).toBeLessThan(100);
    await page.getByRole('tree', { name: 'Spans' }).focus();
    await page.keyboard.press('End');
    await expect(spanRows(page).last()).toHaveAttribute('aria-selected', 'true');
    expect(await spanRows(page).count()).toBeLessThan(100);
    await page.getByRole('textbox', { name: 'Find spans' }).fill(`step ${count - 1}`);
    await page.keyboard.press('Enter');
    await expect(
      page.getByRole('complementary', { name: 'Span details' }).getByRole('heading', { level: 2 }),
    ).toHaveText(`step ${count - 1}`);
    await page.getByRole('button', { name: 'Collapse all' }).click();
    await expect(page.getByRole('button', { name: 'Expand all' })).toBeVisible();
    await page.getByRole('tab', { name: 'Flame', exact: true }).click();
    await expect(page.getByRole('group', { name: /^Flame graph/ })).toBeVisible();
  });
}
