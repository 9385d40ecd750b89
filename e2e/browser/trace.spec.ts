import { expect, spanRows, spansOf, test, troubledTrace, type WireSpan } from './page';

/** Depth of every span by walking up its parents, the way the API gives them. */
function depths(spans: readonly WireSpan[]): number[] {
  const byId = new Map(spans.map((span) => [span.span_id, span]));
  return spans
    .map((span) => {
      let depth = 1;
      for (
        let parent = byId.get(span.parent_span_id ?? '');
        parent !== undefined && depth <= spans.length;
        parent = byId.get(parent.parent_span_id ?? '')
      ) {
        depth++;
      }
      return depth;
    })
    .sort((a, b) => a - b);
}

test('the waterfall shows every span at its place in the tree', async ({ page, request }) => {
  const trace = await troubledTrace(request);
  const spans = await spansOf(request, trace.trace_id);
  // Tall enough for all rows: those out of sight are not in the document.
  await page.setViewportSize({ width: 1440, height: 400 + spans.length * 28 });
  await page.goto(`/traces/${trace.trace_id}`);
  await expect(spanRows(page)).toHaveCount(spans.length);
  const levels = await spanRows(page).evaluateAll((rows) => rows.map((row) => Number(row.getAttribute('aria-level'))));
  expect(levels[0]).toBe(1);
  levels.forEach((level, i) => expect(level).toBeLessThanOrEqual((levels[i - 1] ?? 0) + 1));
  expect([...levels].sort((a, b) => a - b)).toEqual(depths(spans));

  const labels = await spanRows(page).evaluateAll((rows) => rows.map((row) => row.getAttribute('aria-label') ?? ''));
  for (const span of spans) {
    expect(labels.some((label) => label.startsWith(`${span.service_name} ${span.name}, `))).toBe(true);
  }
  expect(labels.filter((label) => label.endsWith(', error'))).toHaveLength(
    spans.filter((span) => span.status.code === 2).length,
  );
});

test('bars begin and end inside of the timeline, children not before the trace', async ({ page, request }) => {
  const trace = await troubledTrace(request);
  await page.goto(`/traces/${trace.trace_id}`);
  await expect(spanRows(page).first()).toBeVisible();
  const boxes = await spanRows(page).evaluateAll((rows) =>
    rows.map((row) => {
      const timeline = row.children[1]!.getBoundingClientRect();
      const bar = row.children[1]!.firstElementChild!.getBoundingClientRect();
      return { before: bar.left - timeline.left, after: timeline.right - bar.right, width: bar.width };
    }),
  );
  for (const box of boxes) {
    expect(box.before).toBeGreaterThanOrEqual(-0.5);
    expect(box.after).toBeGreaterThanOrEqual(-2.5);
    expect(box.width).toBeGreaterThan(0);
  }
});

test('a span opens with its attributes, resource and exceptions, and has an address', async ({ page, request }) => {
  const trace = await troubledTrace(request);
  const failed = (await spansOf(request, trace.trace_id)).find((span) => span.status.code === 2)!;
  await page.goto(`/traces/${trace.trace_id}`);
  await page.getByRole('button', { name: 'Next error' }).click();
  await expect(page).toHaveURL(/span=[0-9a-f]{16}/);
  const details = page.getByRole('complementary', { name: 'Span details' });
  await expect(details).toBeVisible();

  await page.goto(`/traces/${trace.trace_id}?span=${failed.span_id}`);
  await expect(details.getByRole('heading', { name: failed.name, exact: true })).toBeVisible();
  await expect(details.getByText(failed.span_id)).toBeVisible();
  await details.getByRole('tab', { name: 'Resource' }).click();
  await expect(details.getByText('service.name', { exact: true })).toBeVisible();
  await expect(details.getByRole('cell', { name: failed.service_name, exact: true }).first()).toBeVisible();

  await page.keyboard.press('Tab');
  await details.getByRole('button', { name: 'Close span details' }).click();
  await expect(details).toBeHidden();
  await expect(page).not.toHaveURL(/span=/);
});

test('the keyboard moves, folds and opens', async ({ page, request }) => {
  const trace = await troubledTrace(request);
  await page.goto(`/traces/${trace.trace_id}`);
  const tree = page.getByRole('tree', { name: 'Spans' });
  await expect(spanRows(page).first()).toBeVisible();
  const before = await spanRows(page).count();
  await tree.focus();
  await page.keyboard.press('ArrowDown');
  await expect(spanRows(page).first()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowLeft');
  await expect(spanRows(page).first()).toHaveAttribute('aria-expanded', 'false');
  await expect(spanRows(page)).not.toHaveCount(before);
  await page.keyboard.press('ArrowRight');
  await expect(spanRows(page)).toHaveCount(before);
  await page.keyboard.press('ArrowDown');
  await expect(spanRows(page).nth(1)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('complementary', { name: 'Span details' })).toBeHidden();
});

test('a part of the trace can be looked at closely', async ({ page, request }) => {
  const trace = await troubledTrace(request);
  await page.goto(`/traces/${trace.trace_id}`);
  await expect(spanRows(page).first()).toBeVisible();
  const map = page.getByTitle('Drag to zoom, double-click to see all');
  const box = (await map.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.2, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, box.y + 10, { steps: 5 });
  await page.mouse.up();
  await page.getByRole('button', { name: 'Whole trace' }).click();
  await expect(page.getByRole('button', { name: 'Whole trace' })).toBeHidden();
});

test('the logs of a trace are beside it and lead to their spans', async ({ page, request }) => {
  const trace = await troubledTrace(request);
  await page.goto(`/traces/${trace.trace_id}`);
  await page.getByRole('tab', { name: /^Logs/ }).first().click();
  await expect(page).toHaveURL(/tab=logs/);
  await page.getByRole('link', { name: 'Show the span' }).first().click();
  await expect(page.getByRole('complementary', { name: 'Span details' })).toBeVisible();
});

test('the trace downloads as OTLP', async ({ page, request }) => {
  const trace = await troubledTrace(request);
  await page.goto(`/traces/${trace.trace_id}`);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'OTLP JSON' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`trace-${trace.trace_id}.json`);
});

test('a trace that is not there says so', async ({ page, allow }) => {
  allow.push('404');
  await page.goto('/traces/00000000000000000000000000000001');
  await expect(page.getByRole('alert')).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText('HTTP 404')).toBeVisible();
});
