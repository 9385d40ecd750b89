// The metrics page over the demo's telemetry: from the catalogue to one metric, what is shown of it, and where that leads.

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

  await page.mouse.move(box.x + box.width * 0.9, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.99, box.y + 60, { steps: 4 });
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
