import { expect, logRows, search, spanRows, test } from './page';

test('the list shows log records, and one opens', async ({ page }) => {
  await page.goto('/logs');
  await expect(logRows(page).first()).toBeVisible();
  await logRows(page).first().click();
  await expect(page.getByRole('heading', { name: 'Resource' })).toBeVisible();
  await expect(page.getByText('service.name', { exact: true })).toBeVisible();
});

test('a record leads to its span in its trace', async ({ page }) => {
  await page.goto('/logs');
  await page.getByRole('link', { name: 'Open the trace' }).first().click();
  await expect(page).toHaveURL(/\/traces\/[0-9a-f]{32}\?span=[0-9a-f]{16}/);
  await expect(page.getByRole('complementary', { name: 'Span details' })).toBeVisible();
  await expect(spanRows(page).and(page.locator('[aria-selected=true]'))).toHaveCount(1);
});

test('filters by severity, text and trace', async ({ page, request }) => {
  const { logs } = await search<{ logs: { trace_id?: string }[] }>(request, 'logs', [
    { field: 'severity', operator: 'gte', value: 17 },
    { field: 'trace_id', operator: 'exists', value: true },
  ]);
  const traceId = logs[0]!.trace_id!;
  await page.goto('/logs');
  const query = page.getByRole('combobox', { name: 'Query for logs' });
  await query.fill('severity >= error');
  await query.press('Enter');
  await expect(page).toHaveURL(/q=severity/);
  await expect(logRows(page).first()).toBeVisible();
  await expect(logRows(page).getByText(/^(TRACE|DEBUG|INFO|WARN)$/)).toHaveCount(0);

  await query.fill(`severity >= error and trace_id = ${traceId}`);
  await query.press('Enter');
  const found = logs.filter((record) => record.trace_id === traceId).length;
  await expect(logRows(page)).toHaveCount(found);

  await page.goto('/logs?body=no%20record%20has%20this%20text');
  await expect(page.getByRole('heading', { name: 'No log records here' })).toBeVisible();
});

test('words are looked for in bodies, whatever the case of their letters', async ({ page, request }) => {
  const { logs } = await search<{ logs: { body?: { stringValue?: string } }[] }>(request, 'logs', [
    { field: 'body', operator: 'contains', value: 'Transaction complete' },
  ]);
  await page.goto('/logs');
  const query = page.getByRole('combobox', { name: 'Query for logs' });
  await query.fill('TRANSACTION complete');
  await query.press('Enter');
  await expect(page.getByText(new RegExp(`^${Math.min(logs.length, 100)} log records?`))).toBeVisible();
  await query.fill('"TRANSACTION complete"');
  await query.press('Enter');
  await expect(page.getByRole('heading', { name: 'No log records here' })).toBeVisible();
});
