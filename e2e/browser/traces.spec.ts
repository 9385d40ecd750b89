import { expect, test, traceRows, traces } from './page';

test('the list shows traces of the demo and opens one', async ({ page }) => {
  await page.goto('/traces');
  await expect(page).toHaveTitle('Traces · ollyScale');
  await expect(traceRows(page).first()).toBeVisible();
  const times = await page
    .getByRole('list', { name: 'Traces' })
    .locator('time')
    .evaluateAll((all) => all.map((time) => time.getAttribute('datetime') ?? ''));
  expect(times.length).toBeGreaterThan(5);
  expect(times.every((time) => /^\d{4}-\d\d-\d\dT.*\.\d{9}Z$/.test(time))).toBe(true);

  await traceRows(page).first().click();
  await expect(page).toHaveURL(/\/traces\/[0-9a-f]{32}/);
  await expect(page.getByRole('tree', { name: 'Spans' })).toBeVisible();
  await page.goBack();
  await expect(traceRows(page).first()).toBeVisible();
});

test('a query narrows the list and stands in the address', async ({ page, request }) => {
  const failed = await traces(request, [{ field: 'status', operator: 'eq', value: 'error' }]);
  await page.goto('/traces');
  const query = page.getByRole('combobox', { name: 'Query for traces' });
  await query.fill('status = error');
  await query.press('Enter');
  await expect(page).toHaveURL(/[?&]q=status\+=\+error/);
  await expect(traceRows(page).first()).toBeVisible();
  await expect(page.getByText(new RegExp(`^${Math.min(failed.length, 100)} traces?(,| loaded)`)).first()).toBeVisible();

  await query.fill('status = error and service = checkout and rpc.system = grpc');
  await query.press('Enter');
  await page.reload();
  await expect(query).toHaveValue('status = error and service = checkout and rpc.system = grpc');

  await page.goBack();
  await expect(query).toHaveValue('status = error');
  await page.getByRole('button', { name: 'Clear the query' }).click();
  await expect(page).toHaveURL(/\/traces$/);
});

test('an address of before is a query', async ({ page }) => {
  await page.goto('/traces?service=checkout&errors=1&where=rpc.system=grpc&min=1');
  const query = 'service = checkout and rpc.system = grpc and duration >= 1ms and status = error';
  await expect(page.getByRole('combobox', { name: 'Query for traces' })).toHaveValue(query);
  await expect.poll(() => new URL(page.url()).searchParams.get('q')).toBe(query);
  expect([...new URL(page.url()).searchParams.keys()]).toEqual(['q']);
});

test('a query that cannot be read is refused where it is wrong, and asks nothing', async ({ page }) => {
  await page.goto('/traces');
  const query = page.getByRole('combobox', { name: 'Query for traces' });
  await query.fill('service = "cart" duration > 100ms');
  await expect(page.getByText(/At character 18:/)).toBeVisible();
  await expect(page.getByText(/Only and, or/)).toBeVisible();
  await expect(query).toHaveAttribute('aria-invalid', 'true');
  await page.goto('/traces?q=service+=+');
  await expect(page.getByRole('alert')).toContainText('This query cannot be read');
  await expect(traceRows(page)).toHaveCount(0);
});

test('a filter that nothing meets says so and offers to clear it', async ({ page }) => {
  await page.goto('/traces?where=attributes.no.such.key=1');
  await expect(page.getByRole('heading', { name: 'No traces here' })).toBeVisible();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(traceRows(page).first()).toBeVisible();
});

test('the time range is in the address and goes along to other pages', async ({ page }) => {
  await page.goto('/traces');
  await page.getByRole('button', { name: /Time range/ }).click();
  await page.getByRole('button', { name: 'Last 6 hours' }).click();
  await expect(page).toHaveURL(/range=6h/);
  await page.getByRole('navigation').getByRole('link', { name: 'Logs' }).click();
  await expect(page).toHaveURL(/\/logs\?range=6h/);
  await expect(page.getByRole('button', { name: 'Time range: Last 6 hours' })).toBeVisible();
  await page.goBack();
  await expect(page).toHaveURL(/\/traces\?range=6h/);
  await expect(page.getByRole('heading', { level: 1, name: 'Traces' })).toBeVisible();
  await expect(traceRows(page).first()).toBeVisible();

  await page.getByRole('button', { name: /Time range/ }).click();
  await page.getByLabel('From', { exact: true }).fill('2020-01-01T10:00:00');
  await page.getByLabel('To', { exact: true }).fill('2020-01-01T11:00:00');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/from=2020-01-01T.*&to=2020-01-01T/);
  await expect(page.getByRole('heading', { name: 'No traces here' })).toBeVisible();
});

test('a question that the server refuses shows its code, not a blank page', async ({ page, allow }) => {
  allow.push('400');
  await page.goto('/traces?where=attributes.x~(?=lookahead)');
  await expect(page.getByRole('alert').filter({ hasText: 'HTTP 400' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Try again' }).first()).toBeVisible();
});

test('a server that is away shows as such', async ({ page, allow }) => {
  allow.push('ERR_FAILED');
  await page.route('**/api/**', (route) => route.abort());
  await page.goto('/traces');
  await expect(page.getByRole('heading', { name: 'ollyScale does not answer' })).toBeVisible({ timeout: 20_000 });
});

test('columns are chosen, of traces and of spans, and stand in the address', async ({ page }) => {
  await page.goto('/traces?q=service+=+checkout');
  await expect(traceRows(page).first()).toBeVisible();
  await page.getByRole('button', { name: 'Choose columns, of the root' }).click();
  await page.getByLabel('Find a field').fill('resource.service.namespace');
  await page.getByRole('checkbox', { name: 'resource.service.namespace' }).check();
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/column=resource\.service\.namespace/);
  await expect(page.getByText('resource.service.namespace', { exact: true })).toBeVisible();
  await expect(traceRows(page).first()).toContainText('shop');

  await page.getByRole('radiogroup', { name: 'List' }).getByText('Spans').click();
  await expect(page).toHaveURL(/tab=spans/);
  const spans = page.getByRole('list', { name: 'Spans' }).getByRole('link');
  await expect(spans.first()).toContainText('checkout');
  await expect(spans.first()).toContainText('shop');
  await page.getByRole('group', { name: 'Sort by' }).getByRole('button', { name: 'Duration' }).click();
  await expect(page).toHaveURL(/sort=-duration/);
  await page.reload();
  await expect(spans.first()).toContainText('shop');
  await spans.first().click();
  await expect(page).toHaveURL(/\/traces\/[0-9a-f]{32}\?span=[0-9a-f]{16}/);
  await expect(page.getByRole('complementary', { name: 'Span details' })).toBeVisible();
});

test('the foot tells how many there are of what is loaded', async ({ page, allow }) => {
  allow.push('ERR_FAILED');
  await page.route('**/api/traces/search', async (route) => {
    const asked = route.request().postDataJSON() as { pagination: { limit: number; cursor?: string } };
    // Small pages, and none after the first: the foot is in sight.
    if (asked.pagination.cursor !== undefined) return route.abort();
    asked.pagination.limit = 5;
    return route.continue({ postData: asked });
  });
  await page.goto('/traces');
  await expect(page.getByText(/^5 traces loaded of [\d,]+ traces$/)).toBeVisible();
});
