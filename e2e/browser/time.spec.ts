import { expect, test, traceRows } from './page';

test('all times go by one zone, which is said next to the range and kept', async ({ page }) => {
  await page.goto('/traces');
  const first = traceRows(page).first().locator('time');
  await expect(first).toBeVisible();
  const clock = async () => {
    const moment = new Date((await first.getAttribute('datetime')) ?? '');
    const shown = (zone: string) => moment.toLocaleTimeString('en-GB', { timeZone: zone, hourCycle: 'h23' });
    return { text: (await first.textContent()) ?? '', shown };
  };
  await page.getByRole('button', { name: /^Time range/ }).click();
  await page.getByRole('combobox', { name: 'Time zone' }).fill('Kathmandu');
  await page.getByRole('option', { name: 'Asia/Kathmandu' }).click();
  await expect(page.getByRole('button', { name: /^Time range: .*, Asia\/Kathmandu$/ })).toContainText('UTC+5:45');
  let told = await clock();
  expect(told.text).toContain(told.shown('Asia/Kathmandu'));

  await page.reload();
  await expect(page.getByRole('button', { name: /^Time range/ })).toContainText('UTC+5:45');
  told = await clock();
  expect(told.text).toContain(told.shown('Asia/Kathmandu'));

  // What is typed is meant by it, too.
  await page.keyboard.press('d');
  await page.getByLabel('From', { exact: true }).fill('2026-01-02 05:45');
  await page.getByLabel('To', { exact: true }).fill('2 Jan 2026 6:45');
  await page.getByRole('dialog', { name: 'Time range' }).getByRole('button', { name: 'Apply', exact: true }).click();
  await expect(page).toHaveURL(/from=2026-01-02T00:00:00\.000Z&to=2026-01-02T01:00:00\.000Z/);
  await expect(page.getByRole('button', { name: /^Time range: 2 Jan .*05:45 – 06:45/ })).toBeVisible();

  // It is among the recent ones from then on, beside a length of one's own.
  await page.keyboard.press('d');
  await page.getByLabel('The last').fill('90 minutes');
  await page.getByLabel('The last').press('Enter');
  await expect(page).toHaveURL(/\/traces\?range=90m$/);
  await page.keyboard.press('d');
  const recent = page.getByRole('group', { name: 'Recent ranges' });
  await expect(recent.getByRole('button', { name: 'Last 90 minutes' })).toBeVisible();
  await recent.getByRole('button', { name: /05:45/ }).click();
  await expect(page).toHaveURL(/from=2026-01-02T00:00:00/);
});

test('zooming out doubles the range, and a copied link holds both ends', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/traces?q=status+=+error');
  await expect(page).toHaveTitle('status = error · Traces · ollyScale');
  await expect(traceRows(page).first()).toBeVisible();
  await page.getByRole('button', { name: 'Zoom out' }).click();
  await expect(page).toHaveURL(/range=2h/);
  await page.keyboard.press('z');
  await expect(page).toHaveURL(/range=4h/);
  await expect(traceRows(page).first()).toBeVisible();
  await page.getByRole('button', { name: 'Copy link' }).click();
  const copied = new URL(await page.evaluate(() => navigator.clipboard.readText()));
  expect(copied.pathname).toBe('/traces');
  expect([...copied.searchParams.keys()].sort()).toEqual(['from', 'q', 'to']);
  const ends = ['from', 'to'].map((end) => Date.parse(copied.searchParams.get(end) ?? ''));
  expect(ends[1]! - ends[0]!).toBe(4 * 3_600_000 + 5_000);
});

test('rows stand closer where one chose so, here and next time', async ({ page }) => {
  await page.goto('/traces');
  const height = async () => Math.round((await traceRows(page).nth(1).boundingBox())?.height ?? 0);
  await expect.poll(height).toBe(28);
  await page.getByRole('button', { name: 'Compact rows' }).click();
  await expect.poll(height).toBe(22);
  const gap = async () => {
    const [a, b] = await Promise.all([traceRows(page).nth(1).boundingBox(), traceRows(page).nth(2).boundingBox()]);
    return Math.round((b?.y ?? 0) - (a?.y ?? 0));
  };
  expect(await gap()).toBe(22);
  await page.reload();
  await expect.poll(height).toBe(22);
});
