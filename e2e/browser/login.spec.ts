// Whoever is not known yet: the login by a key and at an identity provider, against a whole ollyScale that demands one.

import type { Page } from '@playwright/test';
import { loginURL, providerURL, senderKey, viewerKey } from './environment';
import { expect, test, traceRows } from './page';

test.use({ baseURL: loginURL(), allow: [providerURL(), '401 (Unauthorized)'] });

const account = (page: Page) => page.getByRole('button', { name: /^Logged in as/ });
const heading = (page: Page) => page.getByRole('heading', { name: 'Log in to ollyScale' });

async function withKey(page: Page, key: string) {
  await page.getByLabel('Key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

async function atProvider(page: Page, person: string) {
  await page.getByRole('link', { name: 'Log in with your identity provider' }).click();
  await expect(page.getByRole('heading', { name: 'Test provider' })).toBeVisible();
  await page.getByRole('link', { name: person }).click();
}

async function logOut(page: Page) {
  await account(page).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
}

test('a key opens the page that was asked for, and a wrong one says why not', async ({ page, context, allow }) => {
  allow.push('403 (Forbidden)');
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  await page.goto('/logs?range=6h');
  await expect(heading(page)).toBeVisible();
  expect(asked.filter((path) => path.startsWith('/api/'))).toEqual(['/api/me']); // Nothing else is asked for nobody.
  await withKey(page, viewerKey().replace(/.{8}$/, 'aaaaaaaa'));
  await expect(page.getByText('The key is not known, revoked, or has expired')).toBeVisible();
  await withKey(page, senderKey());
  await expect(page.getByText('This needs the scope query, and the sender has ingest')).toBeVisible();

  await withKey(page, viewerKey());
  await expect(page).toHaveURL(/\/logs\?range=6h$/);
  await expect(account(page)).toContainText('default');
  const [cookie] = await context.cookies(loginURL());
  expect([cookie?.httpOnly, cookie?.sameSite]).toEqual([true, 'Lax']);
  expect(cookie?.value).not.toContain(viewerKey());
  await page.reload();
  await expect(account(page)).toBeVisible();

  await account(page).click();
  await expect(page.getByRole('menuitem', { name: 'Log out' })).toBeVisible();
  await expect(page.getByRole('menuitemradio')).toHaveCount(0); // A key has one tenant.
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await expect(heading(page)).toBeVisible();
  expect(await context.cookies(loginURL())).toEqual([]);
  await page.goto('/traces');
  await expect(heading(page)).toBeVisible();
});

test('a login that the browser does not keep is no login without a word', async ({ page }) => {
  await page.route('**/auth/key', (route) => route.fulfill({ status: 204 })); // As when the browser refuses the cookie.
  await page.goto('/login');
  await withKey(page, viewerKey());
  await expect(page.getByText(/The key is good, but this browser did not keep the login/)).toBeVisible();
});

test('a person logs in at the identity provider, chooses a tenant and logs out', async ({ page, context }) => {
  await page.goto('/services');
  await expect(heading(page)).toBeVisible();
  await atProvider(page, 'ada');
  await expect(page).toHaveURL(/\/services/);
  await expect(account(page)).toContainText('ada@shop.example');
  await expect(account(page)).toContainText('default');
  await account(page).click();
  await expect(page.getByRole('menuitemradio')).toHaveText(['default', 'bank']);
  await expect(page.getByRole('menuitemradio', { checked: true })).toHaveText('default');
  await page.getByRole('menuitemradio', { name: 'bank' }).click();
  await expect(account(page)).toContainText('bank');
  await page.reload();
  await expect(account(page)).toContainText('bank');

  await logOut(page);
  await expect(heading(page)).toBeVisible();
  expect(await context.cookies(loginURL())).toEqual([]);
});

test('a window shows the tenant that it names, whatever another window chooses', async ({ page, context }) => {
  await page.goto('/traces');
  await atProvider(page, 'ada');
  await expect(traceRows(page).first()).toBeVisible();
  const other = await context.newPage();
  await other.goto(`${loginURL()}/traces`);
  await account(other).click();
  await other.getByRole('menuitemradio', { name: 'bank' }).click();
  await expect(account(other)).toContainText('bank');
  await expect(other.getByRole('heading', { name: 'Ready for your first trace' })).toBeVisible(); // There is nothing in it.

  const answered = page.waitForResponse('**/api/traces/search');
  await page.getByRole('button', { name: 'Refresh now' }).click();
  expect(((await (await answered).json()) as { traces: unknown[] }).traces).not.toEqual([]);
  await expect(account(page)).toContainText('default');
  await expect(traceRows(page).first()).toBeVisible();
  await page.reload();
  await expect(account(page)).toContainText('bank');
});

test('a choice or a logout that does not reach the server says so, and works when tried again', async ({
  page,
  allow,
}) => {
  allow.push('ERR_FAILED');
  await page.goto('/traces');
  await atProvider(page, 'ada');
  await account(page).click();
  await page.route('**/auth/*', (route) => route.abort());
  for (const item of [
    page.getByRole('menuitemradio', { name: 'bank' }),
    page.getByRole('menuitem', { name: 'Log out' }),
  ]) {
    await item.click();
    await expect(page.getByRole('alert')).toHaveText('The query service could not be reached.');
  }
  await expect(account(page)).toContainText('default');
  await page.unroute('**/auth/*');
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await expect(heading(page)).toBeVisible();
});

test('whom the identity provider gives nothing here is told so', async ({ page }) => {
  await page.goto('/login?return=%2Flogs');
  await atProvider(page, 'nobody');
  await expect(heading(page)).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('no role or no tenant here');
  await expect(page).toHaveURL(/return=%2Flogs/);
  await atProvider(page, 'grace');
  await expect(page).toHaveURL(/\/logs/);
  await expect(account(page)).toContainText('grace@shop.example');
});
