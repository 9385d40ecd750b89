// The interface below a path of a gateway that takes the path away. (That one which hands it on whole is tested beside the server.)

import { randomBytes } from 'node:crypto';
import type { Page } from '@playwright/test';
import { Gateway } from './gateway';
import type { Own } from './own';
import { withOwn } from './own';
import { expect, spanRows, traceRows } from './page';

const own = withOwn('--auth-mode', 'keys', '--query-base-path', '/olly');
const test = own.extend<object, { gateway: Gateway; key: string }>({
  gateway: [
    async ({ own }, use) => {
      const gateway = await Gateway.start('/olly', own.ui);
      await use(gateway);
      await gateway.stop();
    },
    { scope: 'worker' },
  ],
  key: [async ({ own }, use) => use(await filled(own)), { scope: 'worker' }],
  baseURL: async ({ gateway }, use) => use(gateway.url),
});

/** A key to look at a trace with, which is there. */
async function filled(own: Own): Promise<string> {
  const key = own.key('query', 'ingest');
  const at = BigInt(Date.now()) * 1_000_000n;
  const body = {
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'cart/1' } }] },
        scopeSpans: [
          {
            spans: [
              {
                ...{ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), kind: 2 },
                ...{ name: 'GET /cart', startTimeUnixNano: String(at), endTimeUnixNano: String(at + 5_000_000n) },
              },
            ],
          },
        ],
      },
    ],
  };
  await expect(async () => own.send('traces', body, key)).toPass({ timeout: 20_000 });
  return key;
}

test.use({ allow: ['401 (Unauthorized)'] }); // Who is not known yet.

async function logIn(page: Page, key: string) {
  await page.getByLabel('Key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
}

test('everything is below the path: pages that are loaded again, links, files, cookie, contract, logout', async ({
  page,
  context,
  gateway,
  key,
}) => {
  await page.goto('/olly/traces?range=6h');
  await expect(page.getByRole('heading', { name: 'Log in to ollyScale' })).toBeVisible();
  await expect(page).toHaveURL(/\/olly\/login\?/);
  await logIn(page, key);
  await expect(page).toHaveURL(/\/olly\/traces\?range=6h$/);
  const [cookie] = await context.cookies(`${gateway.url}/olly`);
  expect(cookie?.path).toBe('/olly');
  expect(await context.cookies(`${gateway.url}/beside`)).toEqual([]);

  await expect(traceRows(page)).toHaveCount(1, { timeout: 20_000 });
  await traceRows(page).first().click();
  await expect(page).toHaveURL(/\/olly\/traces\/[0-9a-f]{32}/);
  await expect(spanRows(page)).toHaveCount(1);
  await page.reload();
  await expect(spanRows(page)).toHaveCount(1);
  await page.getByRole('tab', { name: 'Flame' }).click(); // A part that is loaded when it is wanted.
  await expect(page.getByRole('tab', { name: 'Flame' })).toHaveAttribute('aria-selected', 'true');

  const main = page.getByRole('navigation', { name: 'Main' });
  for (const [name, path] of [
    ['Logs', 'logs'],
    ['Metrics', 'explore/metrics'],
    ['Service map', 'map'],
    ['Services', 'services'],
  ] as const) {
    await main.getByRole('link', { name, exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`/olly/${path}`));
    await page.reload();
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  }
  await page.goto('/olly/services/cart%2F1');
  await expect(page.getByRole('heading', { level: 1, name: 'cart/1' })).toBeVisible();
  await page.goto('/olly');
  await expect(page).toHaveURL(/\/olly\/services/);

  await page.goto('/olly/docs');
  await expect(page.getByText('/api/traces/search').first()).toBeVisible({ timeout: 20_000 });
  await expect(page.locator('.servers select')).toHaveValue('/olly');
  await page.goBack();

  await page.getByRole('button', { name: /^Logged in as/ }).click();
  await page.getByRole('menuitem', { name: 'Log out' }).click();
  await expect(page).toHaveURL(/\/olly\/login/);
  expect(await context.cookies(`${gateway.url}/olly`)).toEqual([]);
  expect(gateway.strays).toEqual([]);
});
