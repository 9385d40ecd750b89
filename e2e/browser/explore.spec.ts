import type { APIRequestContext } from '@playwright/test';
import { randomBytes } from 'node:crypto';
import { otlpURL } from './environment';
import { expect, test, traceRows } from './page';

/** How many, in two minutes in which nothing else is. */
const quick = 210;
const slow = 24;

interface Planted {
  from: Date;
  to: Date;
}

/** Sends traces of one span each: many quick ones all over two minutes, and a spike of slow ones that have one value in common. */
async function plant(request: APIRequestContext): Promise<Planted> {
  const from = new Date(Math.floor(Date.now() / 120_000) * 120_000 - 5 * 3_600_000);
  const span = (offset: number, millis: number, cause: string, region: string) => ({
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
    name: 'GET /planted',
    kind: 2,
    startTimeUnixNano: `${from.getTime() + offset}000000`,
    endTimeUnixNano: `${from.getTime() + offset + millis}000000`,
    attributes: [
      { key: 'planted.cause', value: { stringValue: cause } },
      { key: 'planted.region', value: { stringValue: region } },
    ],
  });
  const spans = [
    ...Array.from({ length: quick }, (_, i) =>
      span(Math.floor((i * 119_000) / quick), 5 + (i % 20), i % 2 === 0 ? 'a' : 'b', i % 3 === 0 ? 'eu' : 'us'),
    ),
    ...Array.from({ length: slow }, (_, i) => span(60_000 + i * 20, 5_000 + i, 'full disk', i % 3 === 0 ? 'eu' : 'us')),
  ];
  const service = { key: 'service.name', value: { stringValue: 'planted' } };
  const sent = await request.post(`${otlpURL()}/v1/traces`, {
    data: { resourceSpans: [{ resource: { attributes: [service] }, scopeSpans: [{ spans }] }] },
  });
  expect(sent.status(), await sent.text()).toBe(200);
  const to = new Date(from.getTime() + 120_000);
  await expect
    .poll(async () => {
      const found = await request.post('/api/spans/search', {
        data: {
          time_range: { start_time: from.toISOString(), end_time: to.toISOString() },
          pagination: { limit: 1000 },
        },
      });
      return ((await found.json()) as { spans: unknown[] }).spans.length;
    })
    .toBe(quick + slow);
  return { from, to };
}

test.describe.configure({ mode: 'serial' });

let planted: Planted;
const address = (more: string) => `/traces?from=${planted.from.toISOString()}&to=${planted.to.toISOString()}${more}`;

test('the head tells of the whole range, and the list scrolls through all of it', async ({ page, request }) => {
  planted = await plant(request);
  const all = `${quick + slow} traces`;
  await page.goto(address(''));
  await expect(page.getByText(all, { exact: true })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText(`of ${quick + slow} root spans over`)).toBeVisible();
  await expect(page.getByRole('img', { name: /^Rate and errors of root spans/ })).toBeVisible();

  const list = page.getByRole('list', { name: 'Traces' });
  await expect(traceRows(page).first()).toBeVisible();
  const foot = page.getByText(`${all}, all there are`);
  await expect(async () => {
    await list.evaluate((body) => body.parentElement?.parentElement?.scrollTo({ top: 1e6 }));
    await expect(foot).toBeVisible({ timeout: 500 });
  }).toPass();
  expect(await traceRows(page).count()).toBeLessThan(80);

  // There and back: the same row at the same place.
  const leads = (await traceRows(page).nth(10).getAttribute('href')) ?? '';
  const row = traceRows(page).and(page.locator(`[href="${leads}"]`)); // whatever else is drawn meanwhile
  await row.scrollIntoViewIfNeeded();
  const height = async () => (await row.boundingBox())?.y ?? -1;
  const before = await height();
  await row.click();
  await expect(page).toHaveURL(/\/traces\/[0-9a-f]{32}/);
  await page.goBack();
  await expect(foot).toBeVisible();
  await expect.poll(async () => Math.abs((await height()) - before)).toBeLessThan(3);
});

test('the list is sorted by the server, and says so in the address', async ({ page }) => {
  await page.goto(address(''));
  const sort = page.getByRole('group', { name: 'Sort by' });
  await expect(sort.getByRole('button', { name: 'Time' })).toHaveAttribute('aria-pressed', 'true');
  await sort.getByRole('button', { name: 'Duration' }).click();
  await expect(page).toHaveURL(/sort=-duration/);
  await expect(sort.getByRole('button', { name: 'Duration' })).toHaveAttribute('aria-pressed', 'true');
  await expect(traceRows(page).first()).toContainText('5.02 s');
  await sort.getByRole('button', { name: 'Time' }).click();
  await sort.getByRole('button', { name: 'Time' }).click();
  await expect(page).toHaveURL(/sort=time/);
  await expect(traceRows(page).first().locator('time')).toHaveAttribute(
    'datetime',
    planted.from.toISOString().replace('Z', '000000Z'),
  );
});

test('a spike of the heatmap tells by one click what differs, and by another keeps it alone', async ({ page }) => {
  await page.goto(address('&chart=heatmap'));
  const cells = page.locator('rect[data-count]');
  await expect(cells.first()).toBeVisible();
  const heights = await cells.evaluateAll((all) => all.map((cell) => Number(cell.getAttribute('y'))));
  const spike = cells.nth(heights.indexOf(Math.min(...heights)));
  await expect(spike).toHaveAttribute('data-count', String(slow));
  await spike.click();
  await expect(page).toHaveURL(/box=/);

  const differs = page.getByRole('region', { name: 'What differs' });
  const first = differs.getByRole('row').nth(1);
  await expect(first).toContainText('planted.cause');
  await expect(first).toContainText('full disk');
  await expect(first).toContainText('100 %');
  await first.getByRole('button', { name: /^Only attributes\.planted\.cause full disk/ }).click();
  await expect(page.getByText(`${slow} traces`, { exact: true })).toBeVisible();
});

test('dragging over the strip narrows the range', async ({ page }) => {
  await page.goto(address(''));
  const strip = page.getByRole('img', { name: /^Rate and errors/ });
  const box = (await strip.boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.25, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, box.y + 40, { steps: 4 });
  await page.mouse.up();
  await expect(page).not.toHaveURL(new RegExp(`from=${planted.from.toISOString()}`));
  await expect(traceRows(page).first()).toBeVisible();
});
