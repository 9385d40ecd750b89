import { expect, test, traceRows } from './page';

test('services are listed with their figures, sorted as asked, and open their operations', async ({ page }) => {
  await page.goto('/services');
  const rows = page.getByRole('row').filter({ has: page.getByRole('button', { name: /^Operations of/ }) });
  await expect(rows.first()).toBeVisible();
  expect(await rows.count()).toBeGreaterThanOrEqual(10);
  await page.getByRole('button', { name: 'p95' }).click();
  await expect(page).toHaveURL(/sort=-p95/);
  await expect(page.getByRole('columnheader', { name: 'p95' })).toHaveAttribute('aria-sort', 'descending');

  await page.getByRole('button', { name: 'Operations of checkout' }).click();
  await expect(page).toHaveURL(/service=checkout/);
  const operation = page.getByRole('link', { name: /PlaceOrder/ }).first();
  await operation.click();
  await expect(page).toHaveURL(/\/traces\?.*operation=.*PlaceOrder/);
  await expect(traceRows(page).first()).toBeVisible();
});

test('the map shows who calls whom', async ({ page }) => {
  await page.goto('/map');
  await page.getByRole('button', { name: /^Service checkout/ }).click();
  const details = page.getByRole('complementary', { name: 'Details' });
  await expect(details.getByRole('heading', { name: 'checkout' })).toBeVisible();
  await expect(page).toHaveURL(/node=/);
  await expect(details.getByRole('heading', { name: 'Called by' })).toBeVisible();
  await details.getByRole('button', { name: 'frontend' }).click();
  await expect(details.getByRole('heading', { name: 'frontend' })).toBeVisible();
  await details.getByRole('link', { name: 'Traces' }).click();
  await expect(page).toHaveURL(/\/traces\?q=service\+=\+frontend/);
});

test('metrics are listed, found and drawn', async ({ page }) => {
  await page.goto('/explore/metrics');
  const list = page.getByRole('list', { name: 'Metrics' }).getByRole('link');
  await expect(list.first()).toBeVisible();
  await page.getByLabel('Find metrics').fill('duration');
  await expect(page).toHaveURL(/find=duration/);
  await expect(list.first()).toContainText('duration');
  await list.first().click();
  await expect(page).toHaveURL(/name=/);
  await expect(page.getByRole('region').locator('canvas')).toBeVisible();
  await expect(page.getByRole('list', { name: 'Series' }).getByRole('listitem').first()).toBeVisible();
});
