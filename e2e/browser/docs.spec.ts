import { loginURL, viewerKey } from './environment';
import { expect, test } from './page';

const drawn = { timeout: 30_000 };

// What the fixture watches holds here, too: no error in the console, and no request to another host.
test('the contract is shown, operation by operation, by this server alone', async ({ page }) => {
  test.slow(); // The viewer is a megabyte and a half of script.
  await page.goto('/docs');
  await expect(page).toHaveTitle('ollyScale API');
  await expect(page.getByRole('heading', { name: /ollyScale/ })).toBeVisible(drawn);
  const search = page.locator('.opblock').filter({ hasText: '/api/traces/search' }).first();
  await expect(search).toBeVisible();
  expect(await page.locator('.opblock').count()).toBeGreaterThan(50);

  await search.locator('button').first().click();
  await expect(search.getByRole('heading', { name: 'Request body' })).toBeVisible(drawn);
  await expect(search.getByRole('button', { name: 'Try it out' })).toBeVisible();
  // Ingest listens elsewhere: what it serves can be read here.
  const exported = page.locator('.opblock').filter({ hasText: '/v1/traces' }).first();
  await exported.locator('button').first().click();
  await expect(exported.getByRole('heading', { name: 'Request body' })).toBeVisible(drawn);
  await expect(exported.getByRole('button', { name: 'Try it out' })).toHaveCount(0);
  await expect(page.getByText(/Unable to render|Resolver error|Could not resolve/)).toHaveCount(0);
});

test.describe('where one has to log in', () => {
  test.use({ baseURL: loginURL(), allow: ['401 (Unauthorized)'] });

  test('the contract is shown to who has', async ({ page }) => {
    test.slow();
    await page.goto('/docs');
    await expect(page).toHaveURL(/\/login\?return=/, drawn);
    await page.getByLabel('Key', { exact: true }).fill(viewerKey());
    await page.getByRole('button', { name: 'Log in', exact: true }).click();
    await expect(page).toHaveURL(/\/docs$/, drawn);
    await expect(page.locator('.opblock').first()).toBeVisible(drawn);
  });
});
