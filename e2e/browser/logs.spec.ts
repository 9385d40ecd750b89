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
  await page.getByRole('combobox', { name: 'Least severity' }).click();
  await page.getByRole('option', { name: 'Error and up' }).click();
  await expect(page).toHaveURL(/severity=error/);
  await expect(logRows(page).first()).toBeVisible();
  await expect(page.getByText(/^(TRACE|DEBUG|INFO|WARN)$/)).toHaveCount(0);

  await page.getByLabel('Trace ID').fill(traceId);
  await page.getByLabel('Trace ID').press('Enter');
  await expect(page).toHaveURL(new RegExp(`trace=${traceId}`));
  const found = logs.filter((record) => record.trace_id === traceId).length;
  await expect(logRows(page)).toHaveCount(found);

  await page.goto('/logs?body=no%20record%20has%20this%20text');
  await expect(page.getByRole('heading', { name: 'No log records here' })).toBeVisible();
});
