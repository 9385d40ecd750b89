import type { Page } from '@playwright/test';
import { expect, spanRows, test, traceRows, traces } from './page';

const query = (page: Page) => page.getByRole('combobox', { name: /Query for/ });
const facet = (page: Page, name: string | RegExp) =>
  page.getByRole('complementary', { name: 'Facets' }).getByRole('button', { name });

test('keys, operators and values are completed, by keys alone', async ({ page }) => {
  await page.goto('/traces');
  await query(page).focus();
  await page.keyboard.type('servi');
  await expect(page.getByRole('option', { name: /^service/ }).first()).toBeVisible();
  await page.keyboard.press('Tab');
  await expect(query(page)).toHaveValue('service ');
  await expect(page.getByRole('option', { name: /is not/ })).toBeVisible();
  await page.keyboard.type('= check');
  await expect(page.getByRole('option', { name: /^checkout \d/ })).toBeVisible();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(query(page)).toHaveValue('service = checkout ');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/q=service\+=\+checkout/);
  await expect(traceRows(page).first()).toBeVisible();
});

test('conditions on one span may be asked anywhere in the trace', async ({ page, request }) => {
  const both = [
    { field: 'service', operator: 'eq', value: 'frontend' },
    { relation: 'trace', filters: [{ field: 'service', operator: 'eq', value: 'cart' }] },
  ];
  const found = Math.min((await traces(request, both)).length, 100);
  expect(found).toBeGreaterThan(0);
  await page.goto('/traces?q=service+=+frontend+and+service+=+cart');
  await expect(page.getByText('All conditions must hold on one span of the trace.')).toBeVisible();
  await expect(page.getByRole('heading', { name: 'No traces here' })).toBeVisible();
  await page.getByRole('button', { name: 'Anywhere in the trace instead' }).click();
  await expect(page).toHaveURL(/scope=trace/);
  await expect(page.getByText(new RegExp(`^${found} traces?(,| loaded)`))).toBeVisible();
});

test('facets narrow the list, take a value in and leave it out', async ({ page }) => {
  await page.goto('/traces');
  await facet(page, /^service = checkout [\d,]+ spans/).click();
  await expect(query(page)).toHaveValue('service = checkout');
  // The others of its field stay, to be taken in as well.
  await facet(page, /^service = cart [\d,]+ spans/).click();
  await expect(query(page)).toHaveValue('service in (checkout, cart)');
  await expect(facet(page, /^service = cart [\d,]+ spans/)).toHaveAttribute('aria-pressed', 'true');
  await facet(page, 'Exclude service = cart').click();
  await expect(query(page)).toHaveValue('service = checkout and service != cart');
  await facet(page, 'Only status = error').click();
  await expect(query(page)).toHaveValue('status = error');

  await page.getByRole('button', { name: 'Hide the facets' }).click();
  await page.reload();
  await expect(page.getByRole('button', { name: 'Show the facets' })).toBeVisible();
});

test('the builder and the text are the same query', async ({ page }) => {
  await page.goto('/traces?q=service+=+checkout');
  await page.getByRole('button', { name: 'Query builder' }).click();
  const builder = page.getByRole('region', { name: 'Query builder' });
  await expect(builder.getByRole('combobox', { name: 'Field' })).toHaveValue('service');
  await builder.getByRole('button', { name: 'Condition', exact: true }).click();
  await builder.getByRole('combobox', { name: 'Field' }).nth(1).fill('kind');
  await builder.getByRole('combobox', { name: 'Value' }).nth(1).fill('server');
  await expect(query(page)).toHaveValue('service = checkout and kind = server');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page).toHaveURL(/and\+kind/);
  await query(page).fill('kind = client or root = true');
  await expect(builder.getByRole('combobox', { name: 'Value' }).first()).toHaveValue('client');
  await expect(builder.getByRole('radio', { name: 'Any of' }).first()).toBeChecked();
});

test('a value of a span leads to the traces with it', async ({ page, request }) => {
  const [trace] = await traces(request, [{ field: 'attributes.http.route', operator: 'eq', value: '/api/checkout' }]);
  await page.goto(`/traces/${trace!.trace_id}`);
  await spanRows(page).first().click();
  const details = page.getByRole('complementary', { name: 'Span details' });
  const value = details.getByRole('button', { name: /^Filter by attributes\.[\w.]+ = \S+$/ }).first();
  const [, field = '', text = ''] =
    /^Filter by (\S+) = (\S+)$/.exec((await value.getAttribute('aria-label')) ?? '') ?? [];
  await value.click();
  await page.getByRole('menuitem', { name: 'Ask for this alone' }).click();
  await expect(page).toHaveURL(/\/traces\?q=/);
  await expect(query(page)).toHaveValue(new RegExp(`^${field.replaceAll('.', '\\.')} = "?`));
  expect(text).not.toBe('');
  await expect(traceRows(page).first()).toBeVisible();
});

test('a query is saved, opened, renamed and deleted', async ({ page }) => {
  const name = `Slow carts ${Date.now()}`;
  await page.goto('/traces?q=service+=+cart+and+duration+>+1us&scope=trace');
  const menu = page.getByRole('button', { name: 'Saved queries' });
  await menu.click();
  await page.getByLabel('Name to save the query under').fill(name);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('button', { name, exact: true })).toBeVisible();

  await page.goto('/traces');
  await menu.click();
  await page.getByRole('button', { name, exact: true }).click();
  await expect(query(page)).toHaveValue('service = cart and duration > 1us');
  await expect(page).toHaveURL(/scope=trace/);

  await menu.click();
  await page.getByRole('button', { name: `Rename ${name}` }).click();
  await page.getByLabel('New name').fill(`${name} renamed`);
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await page.getByRole('button', { name: `Delete ${name} renamed` }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page.getByText(name)).toHaveCount(0);
});

test('what was asked and what everybody starts with are in the menu', async ({ page }) => {
  await page.goto('/logs');
  await query(page).fill('transaction');
  await query(page).press('Enter');
  await expect(page).toHaveURL(/q=transaction/);
  await page.getByRole('button', { name: 'Saved queries' }).click();
  await page
    .getByRole('region', { name: 'Presets' })
    .getByRole('button', { name: /^Errors/ })
    .click();
  await expect(query(page)).toHaveValue('severity >= error');
  await page.getByRole('button', { name: 'Saved queries' }).click();
  await page.getByRole('region', { name: 'Recent' }).getByRole('button', { name: 'transaction' }).click();
  await expect(query(page)).toHaveValue('transaction');
});
