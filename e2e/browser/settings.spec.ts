// Settings: what an administrator changes, what nobody else may, and that nothing is lost by one click.

import type { Page } from '@playwright/test';
import { withOwn, type Own } from './own';
import { expect } from './page';

const test = withOwn('--auth-mode', 'keys').extend<object, { admin: string; viewer: string }>({
  admin: [async ({ own }, use) => use(await known(own, 'query', 'edit', 'admin')), { scope: 'worker' }],
  viewer: [async ({ own }, use) => use(await known(own, 'query')), { scope: 'worker' }],
});
test.use({ allow: ['401 (Unauthorized)', '403 (Forbidden)', '400 (Bad Request)'] }); // Who is not known yet, who may not, and a name that is refused.

async function logIn(page: Page, key: string, to: string) {
  await page.goto(to);
  await page.getByLabel('Key', { exact: true }).fill(key);
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Settings' })).toBeVisible();
}

/** A new key, once it is known. */
async function known(own: Own, ...scopes: string[]): Promise<string> {
  const key = own.key(...scopes);
  await expect(async () => {
    expect((await fetch(`${own.ui}/api/me`, { headers: { 'X-Api-Key': key } })).status).toBe(200);
  }).toPass({ timeout: 25_000 });
  return key;
}

const table = (page: Page, name: string) => page.getByRole('table', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');

test('retention is changed by its row, and what may lose something has to be typed', async ({ page, admin }) => {
  await logIn(page, admin, '/settings');
  const row = table(page, 'Retention')
    .getByRole('row')
    .filter({ hasText: /^traces/ });
  await expect(row).toContainText('7 days');
  await page.getByRole('button', { name: 'Change how long traces are kept' }).click();
  await page.getByRole('textbox', { name: 'Days' }).fill('9');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(dialog(page)).toContainText('7 days → 9 days');
  await dialog(page).getByRole('button', { name: 'Change', exact: true }).click();
  await expect(row).toContainText('9 days');

  await page.getByRole('button', { name: 'Change how long traces are kept' }).click();
  await page.getByRole('textbox', { name: 'Days' }).fill('2');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(dialog(page)).toContainText(/This tenant keeps traces from \d{4}-\d\d-\d\d \(UTC\) on/);
  const act = dialog(page).getByRole('button', { name: 'Change, and let go of what is older' });
  await expect(act).toBeDisabled();
  await dialog(page).getByRole('textbox').fill('traces');
  await act.click();
  await expect(row).toContainText('2 days');
  await page.reload();
  await expect(row).toContainText('2 days');
});

test('a key is shown once, works, and is revoked by a second click', async ({ page, admin, own }) => {
  await logIn(page, admin, '/settings?tab=keys');
  const name = '<b>evil</b>\u202egpj __proto__';
  await page.getByRole('textbox', { name: 'Name' }).fill('__proto__ <b>&amp;');
  await page.getByRole('button', { name: 'Make a key' }).click();
  const shown = page.getByLabel('The new key');
  await expect(shown).toHaveText(/^olly_[a-z2-7]+_[a-z2-7]+$/);
  const key = await shown.innerText();
  await expect(async () => own.send('traces', { resourceSpans: [] }, key)).toPass({ timeout: 20_000 });
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.reload();
  const row = table(page, 'Keys').getByRole('row').filter({ hasText: '__proto__ <b>&amp;' });
  await expect(row).toContainText('good, for ever');
  await expect(page.getByText(key)).toHaveCount(0);

  await row.getByRole('button', { name: 'Revoke' }).click();
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(row).toContainText('good, for ever');
  await row.getByRole('button', { name: 'Revoke' }).click();
  await dialog(page).getByRole('button', { name: 'Revoke for ever' }).click();
  await expect(row).toContainText('revoked');

  // What the server refuses is said where it was asked.
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByRole('button', { name: 'Make a key' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
});

test('who may only look is told so, and asks for nothing that is refused', async ({ page, viewer }) => {
  const refused: string[] = [];
  await logIn(page, viewer, '/settings');
  page.on('response', (response) => {
    if (response.status() === 403) refused.push(response.url());
  });
  await expect(page.getByRole('note')).toHaveText('To change it needs the scope admin, and you have query.');
  await expect(table(page, 'Retention').getByRole('button')).toHaveCount(0);
  for (const [tab, needs] of [
    ['Keys', 'admin'],
    ['Storage', 'admin'],
    ['Dead letters', 'edit'],
  ] as const) {
    await page.getByRole('tab', { name: tab }).click();
    await expect(page.getByRole('note')).toContainText(`needs the scope ${needs}`);
  }
  await expect(page).toHaveURL(/tab=dead-letters/);
  expect(refused).toEqual([]);
});

test('each tab is an address of its own, and the keys lead there', async ({ page, admin, own }) => {
  await logIn(page, admin, '/settings?tab=send');
  await expect(page.getByRole('tabpanel', { name: 'Send data' })).toContainText(own.http);
  await page.getByRole('tab', { name: 'About' }).click();
  await expect(page).toHaveURL(/tab=about/);
  await expect(page.getByText('query, admin, edit')).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('tab', { name: 'Send data' })).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('tab', { name: 'Usage' }).click();
  await expect(page.getByText('Nothing was stored on these days.')).toBeVisible();
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.press('g');
  await page.keyboard.press('l');
  await expect(page).toHaveURL(/\/logs/);
  await page.keyboard.press('g');
  await page.keyboard.press('c');
  await expect(page).toHaveURL(/\/settings/);
});

const hostile = '<img src=x onerror=alert(1)>\u202egpj.exe __proto__';

/** Letters that a stranger on the bus may have left; how real ones come about is tested beside the server. */
async function withLetters(page: Page) {
  const asked: { path: string; body: unknown }[] = [];
  let letters = [3, 5].map((sequence) => ({
    ...{ sequence, died_at: '2026-11-29T09:00:00Z', signal: 'traces', subject: 's', batch: hostile, code: hostile },
    ...{ class: 'invalid', reason: hostile.repeat(40), attempts: 2, items: 7, bytes: 900 },
  }));
  await page.route('**/api/dead-letters**', async (route) => {
    const url = new URL(route.request().url());
    const method = route.request().method();
    if (method === 'GET' && url.pathname.endsWith('/dead-letters'))
      return route.fulfill({ json: { letters, has_more: false, after: 0 } });
    if (method === 'GET')
      return route.fulfill({
        json: {
          letter: letters[0],
          headers: { [hostile]: [hostile] },
          preview: { [hostile]: hostile },
          preview_items: 1,
        },
      });
    asked.push({ path: `${method} ${url.pathname}`, body: route.request().postDataJSON() as unknown });
    const done = letters.length;
    letters = url.pathname.endsWith('/drop') ? [] : letters.slice(1);
    return url.pathname.endsWith('/drop')
      ? route.fulfill({ json: { done, has_more: false } })
      : route.fulfill({ status: 204 });
  });
  return asked;
}

test('dead letters are looked at, replayed, and dropped after a second thought', async ({ page, admin }) => {
  page.on('dialog', (alert) => {
    throw new Error(`a dialog: ${alert.message()}`);
  });
  const asked = await withLetters(page);
  await logIn(page, admin, '/settings?tab=dead-letters');
  await expect(table(page, 'Dead letters').getByRole('row')).toHaveCount(3);
  await page.getByRole('button', { name: 'Look at letter 3' }).click();
  await expect(page).toHaveURL(/letter=3/);
  await expect(page.getByText('The first 1 of 7 items, as OTLP/JSON:')).toBeVisible();
  const wide = await page.evaluate(() => document.scrollingElement!.scrollWidth > innerWidth);
  expect(wide, 'nothing is pushed off the page').toBe(false);
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await expect(page.getByRole('status').filter({ hasText: '1 letter replayed.' })).toBeVisible();
  await expect(table(page, 'Dead letters').getByRole('row')).toHaveCount(2);

  await page.getByRole('button', { name: 'Drop the 1 listed' }).click();
  const act = dialog(page).getByRole('button', { name: 'Drop for good' });
  await expect(act).toBeDisabled();
  await dialog(page).getByRole('textbox').fill('drop');
  await act.click();
  await expect(page.getByText('There are none: all that was accepted could be written.')).toBeVisible();
  expect(asked).toEqual([
    { path: 'POST /api/dead-letters/3/replay', body: {} },
    { path: 'POST /api/dead-letters/drop', body: { through: 5 } },
  ]);
});
