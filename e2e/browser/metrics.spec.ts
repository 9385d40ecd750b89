// The metrics page over the demo's telemetry: from the catalogue to one metric, what is shown of it, and where that leads.

import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, test } from './page';

const catalogue = (page: Page) => page.getByRole('list', { name: 'Metrics' }).getByRole('link');
const legend = (page: Page) => page.getByRole('list', { name: 'Series' }).getByRole('listitem');
const chart = (page: Page) => page.getByRole('region').getByRole('img', { name: / over time, / });
const choose = async (page: Page, label: string, option: string) => {
  await page.getByRole('combobox', { name: label, exact: true }).click();
  await page.getByRole('option', { name: option, exact: true }).click();
};

test('metrics are listed in folders, found, sorted and drawn', async ({ page }) => {
  await page.goto('/explore/metrics');
  const list = catalogue(page);
  const folder = list.filter({ hasText: /^http\.server\.\d+ metrics/ });
  await expect(folder).toHaveAttribute('aria-expanded', 'true');
  const duration = list.filter({ hasText: 'http.server.request.duration' });
  await expect(duration).toContainText('histogram');
  await expect(duration.locator('svg path').first()).toHaveAttribute('d', /^M/);
  await expect(duration).toContainText(/\d (ms|s)$/);
  await folder.click();
  await expect(page).toHaveURL(/folder=http\.server\./);
  await expect(duration).toHaveCount(0);
  await page.reload();
  await expect(folder).toHaveAttribute('aria-expanded', 'false');

  await page.getByRole('button', { name: 'Series' }).click();
  await expect(page).toHaveURL(/sort=-series/);
  await expect(page.getByRole('button', { name: 'Series' })).toHaveAttribute('aria-pressed', 'true');
  await expect(folder).toHaveCount(0);
  await expect(duration).toBeVisible();

  await page.getByLabel('Find metrics').fill('duration');
  await expect(page).toHaveURL(/find=duration/);
  await expect(list.first()).toContainText('duration');
  await list.first().click();
  await expect(page).toHaveURL(/name=/);
  await expect(chart(page).locator('path').first()).toHaveAttribute('d', /^M/);
  await expect(legend(page).first()).toBeVisible();
  // Find stays, and so does the list to choose another from.
  await expect(page.getByLabel('Find metrics')).toHaveValue('duration');
  await page.getByRole('link', { name: 'All metrics' }).click();
  await expect(page).not.toHaveURL(/name=/);
});

test('a histogram is grouped, its quantiles are chosen, a line is shown alone, and a drag zooms', async ({ page }) => {
  await page.goto('/explore/metrics?name=http.server.request.duration');
  await expect(legend(page)).toHaveCount(3);
  await expect(legend(page).first()).toContainText(/p99.* ms|p99.* s/);

  await page.getByRole('button', { name: 'p50' }).click();
  await page.getByRole('button', { name: 'p99', exact: true }).click();
  await expect(page).toHaveURL(/quantile=0\.95/);
  await expect(legend(page)).toHaveCount(1);

  await page.getByRole('button', { name: 'Group by' }).click();
  await page.getByLabel('Find a label').fill('serv');
  await page.getByRole('checkbox', { name: 'service', exact: true }).check();
  await expect(page).toHaveURL(/by=service/);
  await page.keyboard.press('Escape');
  await choose(page, 'Lines', 'top 5');
  await expect(legend(page)).toHaveCount(5);
  await expect(page.getByText(/5 of \d+ are drawn/)).toBeVisible();

  const drawn = chart(page);
  await expect(drawn).toHaveAttribute('aria-label', /5 lines$/);
  const box = (await drawn.boundingBox())!;
  await legend(page).first().getByRole('link').click();
  await expect(page).toHaveURL(/alone=/);
  await expect(drawn).toHaveAttribute('aria-label', /1 line$/);
  await page.goBack();
  await expect(page).not.toHaveURL(/alone=/);
  await expect(drawn).toHaveAttribute('aria-label', /5 lines$/);

  // The telemetry is of some minutes ago, when the tests began.
  await page.mouse.move(box.x + box.width * 0.2, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 1, box.y + 60, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=.*to=/);
  await expect(page).toHaveURL(/by=service/);
  await expect(drawn.locator('path').first()).toHaveAttribute('d', /^M/);
  await page.goBack();
  await expect(page).not.toHaveURL(/from=/);
});

test('a counter is a rate unless somebody chooses, in the unit that it comes to', async ({ page }) => {
  await page.goto('/explore/metrics?name=process.cpu.time');
  await expect(legend(page).first()).toContainText(/ms\/s/);
  await choose(page, 'Show', 'Increase');
  await expect(page).toHaveURL(/show=increase/);
  await expect(legend(page).first()).not.toContainText('/s');
  await choose(page, 'Across series', 'sum');
  await expect(page).toHaveURL(/across=sum/);
  await expect(legend(page)).toHaveCount(1);
  await expect(legend(page)).toContainText('sum of all series');
  await page.goto('/explore/metrics?name=jvm.memory.used');
  await expect(legend(page).first()).toContainText(' MB');
  await page.goto('/explore/metrics?name=jvm_gc_pause_seconds&show=ratio&by=service');
  await expect(legend(page).first()).toContainText(' µs');
});

test('a heatmap shows how observations are distributed, and its exemplars lead to their traces', async ({ page }) => {
  for (const metric of ['http.server.request.duration', 'rpc.server.duration']) {
    await page.goto(`/explore/metrics?name=${metric}`);
    await choose(page, 'Show', 'Heatmap');
    await expect(page).toHaveURL(/show=heatmap/);
    const cells = chart(page).locator('rect[data-count]');
    await expect(cells.first()).toBeVisible();
    expect(await cells.count()).toBeGreaterThan(3);
  }
  await page.getByRole('button', { name: 'Group by' }).click();
  await page.getByRole('checkbox', { name: /^rpc\.service/ }).check();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('heading', { level: 3, name: /rpc\.service = / }).first()).toBeVisible();
  await page.goto('/explore/metrics?name=http.server.request.duration');
  await page
    .getByRole('link', { name: /Open the trace of \d.* (ms|s) at/ })
    .first()
    .click();
  await expect(page).toHaveURL(/\/traces\/[0-9a-f]{32}\?.*span=/);
  await expect(page.getByRole('tree', { name: 'Spans' }).getByRole('treeitem', { selected: true })).toBeVisible();
  await page.goBack();
  await page.getByRole('switch', { name: 'Exemplars' }).uncheck();
  await expect(page).toHaveURL(/exemplars=off/);
  await expect(page.getByRole('link', { name: /Open the trace of/ })).toHaveCount(0);
});

test('the cardinality tells the worst first, and which labels and values make it', async ({ page }) => {
  await page.goto('/explore/metrics');
  await page.getByText('Cardinality', { exact: true }).click();
  await expect(page).toHaveURL(/cardinality=on/);
  const table = page.getByRole('table', { name: 'Cardinality of metrics' });
  const counts = async () =>
    (await table.getByRole('row').locator('[role=cell]:nth-child(4)').allTextContents()).map((text) => Number(text));
  await expect(table.getByRole('row').nth(1)).toBeVisible();
  const found = await counts();
  expect(found.length).toBeGreaterThan(5);
  expect(found).toEqual(found.toSorted((a, b) => b - a));
  await page.getByRole('button', { name: 'Show the labels of http.server.request.duration' }).click();
  await expect(page).toHaveURL(/name=http\.server\.request\.duration/);
  await page.getByRole('link', { name: 'http.route', exact: true }).click();
  await expect(page).toHaveURL(/label=attributes\.http\.route/);
  await expect(page.getByRole('region', { name: 'Values of http.route' })).toContainText(/\/.* series/);
  await page.reload();
  await expect(page.getByRole('region', { name: 'Values of http.route' })).toContainText(/\/.* series/);
  await page.getByRole('link', { name: 'Show this metric' }).click();
  await expect(legend(page).first()).toBeVisible();
});

test('what is shown is kept as a table, as JSON and as a picture', async ({ page }) => {
  await page.goto('/explore/metrics?name=http.server.request.duration&by=service&quantile=0.95');
  await expect(legend(page).first()).toBeVisible();
  const kept = async (as: string) => {
    await page.getByRole('button', { name: 'Export' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: as }).click(),
    ]);
    return { name: download.suggestedFilename(), content: readFileSync(await download.path()) };
  };
  const table = await kept('As a table (CSV)');
  expect(table.name).toBe('http.server.request.duration.csv');
  const rows = table.content.toString().trimEnd().split('\r\n');
  expect(rows[0]).toMatch(/^time,.*frontend/);
  expect(rows.length).toBeGreaterThan(30);
  expect(rows.some((row) => /^\d{4}-.*Z,.*\d\.\d/.test(row))).toBe(true);
  const document = JSON.parse((await kept('As JSON')).content.toString()) as {
    lines: { name: string }[];
    times: string[];
  };
  expect(document.lines.map(({ name }) => name)).toContain('frontend');
  expect(document.times.length).toBe(rows.length - 1);
  const picture = await kept('As a picture (PNG)');
  expect(picture.name).toMatch(/\.png$/);
  expect(picture.content.subarray(1, 4).toString()).toBe('PNG');
  expect(picture.content.length).toBeGreaterThan(10_000);
});

test('on a phone nothing of the metrics is wider than the screen', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const beyond = () =>
    page.evaluate(() =>
      [...document.querySelectorAll('[data-line] > *, figure, main button, main input')]
        .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
        .map((element) => element.outerHTML.slice(0, 200)),
    );
  await page.goto('/explore/metrics');
  const duration = catalogue(page).filter({ hasText: 'http.server.request.duration' });
  await expect(duration.locator('svg path').first()).toHaveAttribute('d', /^M/);
  expect(await beyond()).toEqual([]);
  await duration.click();
  await expect(chart(page)).toBeVisible();
  await expect(catalogue(page)).toHaveCount(0);
  expect(await beyond()).toEqual([]);
  await page.getByRole('link', { name: 'All metrics' }).click();
  await expect(duration).toBeVisible();
});
