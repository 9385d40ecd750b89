import { expect, test, traceRows } from './page';

test('the theme follows the system until one is chosen, and is remembered', async ({ page }) => {
  const html = page.locator('html');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto('/traces');
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'light');

  await page.getByRole('radiogroup', { name: 'Theme' }).getByLabel('Dark').click();
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.reload();
  await expect(html).toHaveAttribute('data-mantine-color-scheme', 'dark');
});

test('refreshing asks again, by hand and by itself', async ({ page }) => {
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/api/traces/search')) asked++;
  });
  await page.goto('/traces');
  await expect(traceRows(page).first()).toBeVisible();
  await page.getByRole('button', { name: /Automatic refresh/ }).click();
  await page.getByRole('menuitem', { name: 'Off' }).click();
  await expect(page.getByRole('button', { name: 'Automatic refresh: Off' })).toBeVisible();
  const first = asked;
  await page.getByRole('button', { name: 'Refresh now' }).click();
  await expect.poll(() => asked).toBe(first + 1);

  await page.getByRole('button', { name: /Automatic refresh/ }).click();
  await page.getByRole('menuitem', { name: '5 s' }).click();
  await expect.poll(() => asked, { timeout: 15_000 }).toBeGreaterThan(first + 1);
});

test('answers say how fresh they are', async ({ page }) => {
  await page.goto('/traces');
  await expect(page.getByRole('status').filter({ hasText: /Live|behind/ })).toBeVisible();
});

test('every page in the navigation is there, has a heading and no errors', async ({ page }) => {
  await page.goto('/');
  const links = page.getByRole('navigation', { name: 'Main' }).getByRole('listitem').getByRole('link');
  await expect(links.first()).toBeVisible();
  for (const link of await links.all()) {
    await link.click();
    await expect(link).toHaveAttribute('aria-current', 'page');
    // The server must answer the page's own address with the page.
    await page.reload();
    await expect(link).toHaveAttribute('aria-current', 'page');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.getByRole('alert')).toHaveCount(0);
  }
});

test('an unknown address is answered with a way back', async ({ page }) => {
  await page.goto('/no/such/page');
  await expect(page.getByRole('heading', { name: 'There is no such page' })).toBeVisible();
  await page.getByRole('link', { name: 'Go to traces' }).click();
  await expect(page).toHaveURL(/\/traces$/);
});

test('scripts come from here alone', async ({ page }) => {
  await page.goto('/traces');
  const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content');
  expect(policy).toContain("default-src 'self'");
  expect(policy).not.toContain('unsafe-eval');
  expect(policy).not.toMatch(/script-src[^;]*unsafe-inline/);
});

test('what goes wrong in a part of a page stays there', async ({ page, allow }) => {
  allow.push('trim');
  // A name that is none: nothing of the server's own can do that, so that a line has to throw.
  let broken = true;
  await page.route('**/api/traces/search', async (route) => {
    const answer = (await (await route.fetch()).json()) as { traces: { root: { name: unknown } }[] };
    if (broken) answer.traces[0]!.root.name = null;
    await route.fulfill({ json: answer });
  });
  await page.goto('/traces');
  await expect(page.getByText('This line cannot be shown')).toHaveCount(1);
  await expect(traceRows(page).first()).toBeVisible();
  await page.getByRole('navigation').getByRole('link', { name: 'Logs' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Logs' })).toBeVisible();

  await page.goBack();
  await expect(page.getByText('This line cannot be shown')).toHaveCount(1);
  broken = false;
  await page.getByRole('button', { name: 'Refresh now' }).click();
  await expect(traceRows(page).first()).toBeVisible();
  await expect(page.getByText('This line cannot be shown')).toHaveCount(0);
});
