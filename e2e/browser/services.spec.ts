import type { Page } from '@playwright/test';
import { expect, spanRows, test, traceRows } from './page';

const services = (page: Page) => page.getByRole('table', { name: 'Services' }).getByRole('row');

test('services come first, with their figures, found and sorted as asked', async ({ page }) => {
  await page.goto('/');
  await expect(page).toHaveURL(/\/services$/);
  await expect(services(page).nth(10)).toBeVisible();
  await expect(page.getByText(/services · rates over/)).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'Impact' })).toHaveAttribute('aria-sort', 'descending');

  const places = () =>
    page.getByRole('columnheader').evaluateAll((heads) => heads.map((head) => head.getBoundingClientRect().x));
  const before = await places();
  await page.getByRole('button', { name: 'p95, ms' }).click();
  await expect(page).toHaveURL(/sort=-p95/);
  await expect(page.getByRole('columnheader', { name: 'p95, ms' })).toHaveAttribute('aria-sort', 'descending');
  expect(await places()).toEqual(before);

  await page.getByLabel('Find services').getByRole('textbox').fill('CHECK');
  await expect(page).toHaveURL(/find=CHECK/);
  await expect(services(page)).toHaveCount(2); // The head and one.
  await services(page).getByRole('link', { name: 'checkout' }).first().click();
  await expect(page).toHaveURL(/\/services\/checkout\?namespace=shop$/);
  await page.goBack();
  await expect(services(page)).toHaveCount(2);
});

test('on a phone a service is a card, and nothing is wider than the screen', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto('/services?sort=-p95');
  const cards = page.getByRole('list', { name: 'Services' }).getByRole('listitem');
  await expect(cards.first()).toContainText('p95');
  for (const path of ['/services', '/services/checkout']) {
    await page.goto(path);
    await expect(
      page
        .getByRole('link', { name: /checkout/ })
        .or(page.getByRole('heading', { level: 2 }))
        .first(),
    ).toBeVisible();
    expect(await page.evaluate(() => document.scrollingElement!.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(
      0,
    );
  }
});

test('a service has a page, on which each part leads to what it was made of', async ({ page }) => {
  const part = (name: string) => page.getByRole('region', { name, exact: true });
  await page.goto('/services/checkout');
  await expect(page.getByRole('heading', { level: 1 })).toContainText('checkout');
  await expect(part('Requests').getByText('p95')).toBeVisible();
  for (const name of ['Called by', 'Calls', 'Slowest traces', 'Versions', 'Instances']) {
    await expect(part(name).getByRole('link').first()).toBeVisible();
  }
  await expect(part('Called by').getByRole('link', { name: 'frontend' })).toBeVisible();
  await expect(part('Logs').getByRole('img')).toBeVisible();

  const operation = part('Operations').getByRole('row').filter({ hasText: 'PlaceOrder' }).first();
  await expect(operation.getByRole('link', { name: /^Slowest traces of/ })).toBeVisible();
  await operation
    .getByRole('link', { name: /PlaceOrder/ })
    .first()
    .click();
  await expect(page).toHaveURL(/\/traces\?q=.*PlaceOrder/);
  await expect(traceRows(page).first()).toBeVisible();
  await page.goBack();

  await part('Slowest traces').getByRole('list').getByRole('link').first().click();
  await expect(spanRows(page).first()).toBeVisible();
});

test('dragging over a chart of a service narrows the range, and back widens it again', async ({ page }) => {
  await page.goto('/services/checkout');
  const chart = page.getByRole('img', { name: 'Requests over time' });
  await expect(chart).toBeVisible();
  const box = (await chart.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 50, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/\/services\/checkout\?from=.*to=/);
  await page.goBack();
  await expect(page).toHaveURL(/\/services\/checkout$/);
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
  // The panel lies over the map, which stays where it is; an edge leads to its traces.
  const canvas = page.getByLabel('Service map', { exact: true }).locator('g').first();
  const before = await canvas.getAttribute('transform');
  await details
    .getByRole('button', { name: /\/(s|min|h) · / })
    .first()
    .click();
  await expect(page).toHaveURL(/edge=/);
  await expect(details.getByRole('list', { name: 'Traces over this edge' }).getByRole('link').first()).toBeVisible();
  expect(await canvas.getAttribute('transform')).toBe(before);
  await page.getByRole('button', { name: 'Zoom in' }).click();
  await expect(page).toHaveURL(/at=/);
  const zoomed = await canvas.getAttribute('transform');
  await page.reload();
  await expect(canvas).toHaveAttribute('transform', zoomed ?? '');

  await page.getByLabel('Find a node').fill('frontend');
  await page.getByLabel('Find a node').press('Enter');
  await details.getByRole('link', { name: 'Traces' }).click();
  await expect(page).toHaveURL(/\/traces\?q=service\+=\+%22frontend%22/);
});
