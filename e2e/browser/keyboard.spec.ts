import { expect, spanRows, test, traceRows, traces } from './page';

test('from the services to a span without a pointer', async ({ page }) => {
  await page.goto('/services');
  const services = page.getByRole('table', { name: 'Services' });
  await expect(services.getByRole('link', { name: 'checkout' }).first()).toBeVisible();

  // Into the list, and through it.
  await page.keyboard.press('j');
  await expect(services.getByRole('row').nth(1).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('j');
  await expect(services.getByRole('row').nth(2).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('k');
  await expect(services.getByRole('row').nth(1).getByRole('link').first()).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/services\/./);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();

  // To the traces; a query; into the list.
  await expect(async () => {
    await page.keyboard.press('g');
    await page.keyboard.press('t'); // in time: a machine that does much else may not be
    await expect(page).toHaveURL(/\/traces$/, { timeout: 2_000 });
  }).toPass();
  await expect(traceRows(page).first()).toBeVisible();
  await page.keyboard.press('/');
  const query = page.getByRole('combobox', { name: 'Query for traces' });
  await expect(query).toBeFocused();
  await page.keyboard.type('service = checkout and status = error'); // j, k, g and t are letters here
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/q=service/);
  await page.keyboard.press('Escape');
  await expect(query).not.toBeFocused();
  await expect(traceRows(page).first()).toBeVisible();
  await page.keyboard.press('j');
  await expect(traceRows(page).first()).toBeFocused();
  await page.keyboard.press('Enter');

  // Among its spans: the next with an error, up and down, and closed.
  await expect(page).toHaveURL(/\/traces\/[0-9a-f]{32}/);
  await expect(spanRows(page).first()).toBeVisible();
  await page.keyboard.press('e');
  await expect(page).toHaveURL(/span=/);
  const details = page.getByRole('complementary', { name: 'Span details' });
  await expect(details).toBeVisible();
  await page.keyboard.press('j');
  const spans = page.getByRole('tree', { name: 'Spans' });
  await expect(spans).toBeFocused();
  await page.keyboard.press('Home');
  await expect(spanRows(page).first()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(details).toBeHidden();
});

test('the palette finds services, metrics, pages and settings, and the trace of a pasted log line', async ({
  page,
  request,
}) => {
  const [trace] = await traces(request);
  await page.goto('/logs');
  await expect(page.getByRole('heading', { level: 1, name: 'Logs' })).toBeVisible();
  const find = page.getByRole('combobox', { name: 'Find anything' });
  const options = page.getByRole('listbox', { name: 'What was found' }).getByRole('option');

  await page.keyboard.press('Control+k');
  await expect(find).toBeFocused();
  await find.fill('checkout');
  await expect(options.filter({ hasText: /^checkoutshop$/ })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/services\/checkout/);

  // A key that is a letter while somebody types, and a way in that is none.
  await page.getByRole('button', { name: 'Find anything' }).click();
  await find.fill('map');
  await expect(options.first()).toContainText('Service map');
  await page.keyboard.press('Escape');
  await expect(find).toBeHidden();

  await page.keyboard.press('Control+k');
  await find.fill('duration');
  await expect(options.filter({ hasText: 'duration' }).first()).toBeVisible();
  await options.filter({ hasText: 'duration' }).first().click();
  await expect(page).toHaveURL(/\/explore\/metrics\?name=/);

  await page.keyboard.press('Control+k');
  await find.fill('dark');
  await page.keyboard.press('Enter');
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', 'dark');

  await page.keyboard.press('Control+k');
  await find.fill(`ERROR payment refused trace_id=${trace!.trace_id.toUpperCase()} card=4`);
  await expect(options).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/traces/${trace!.trace_id}`));
  await expect(spanRows(page).first()).toBeVisible();
});

test('the help tells the keys, and closes to where one was', async ({ page }) => {
  await page.goto('/traces');
  await expect(traceRows(page).first()).toBeVisible();
  await page.keyboard.press('j');
  await expect(traceRows(page).first()).toBeFocused();
  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'What keys do' });
  await expect(help.getByText('Go to Logs')).toBeVisible();
  await page.keyboard.press('g');
  await page.keyboard.press('l'); // A dialogue is open: nothing.
  await page.keyboard.press('Escape');
  await expect(help).toBeHidden();
  await expect(page).toHaveURL(/\/traces$/);
  await expect(traceRows(page).first()).toBeFocused();
});

test('a row that has the focus stays where it is while new ones come', async ({ page }) => {
  await page.goto('/traces');
  await expect(traceRows(page).first()).toBeVisible();
  await page.mouse.move(5, 895); // away from the list
  await page.keyboard.press('j');
  await expect(traceRows(page).first()).toBeFocused();
  const leads = await traceRows(page).first().getAttribute('href');
  await page.route('**/api/traces/search', async (route) => {
    const answer = (await (await route.fetch()).json()) as { traces: { trace_id: string }[] };
    answer.traces.unshift({ ...answer.traces[0]!, trace_id: 'f'.repeat(32) });
    await route.fulfill({ json: answer });
  });
  await page.keyboard.press('r');
  await expect(page.getByRole('button', { name: /1 new/ })).toBeVisible();
  expect(await traceRows(page).first().getAttribute('href')).toBe(leads);
  await expect(traceRows(page).first()).toBeFocused();
});
