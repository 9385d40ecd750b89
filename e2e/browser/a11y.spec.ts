// Every page, in light and in dark, against the rules of axe for WCAG 2.0, 2.1 and 2.2, levels A and AA. No rule is switched off.
// One thing is let pass, in one place: label-content-name-mismatch compares the text that is seen with the name, letter by letter. It is not asked of
// a row of the waterfall (treeitem), whose name says in a sentence what stands in its columns, nor of a node in the picture of a graph (svg),
// whose caption is cut to its room while the name has all of it. Nobody calls either by what is written in it.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { loginURL } from './environment';
import { expect, logRows, spanRows, test, traceRows, troubledTrace } from './page';

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Holds the page as it is, or what is new of it, against all rules in light; in dark only colours are others. */
async function holds(page: Page, what: string, within = 'body') {
  const axe = () => new AxeBuilder({ page }).include(within);
  expect.soft(await wrong(page, axe().withTags(rules)), what).toBe('');
  await page.emulateMedia({ colorScheme: 'dark' });
  expect.soft(await wrong(page, axe().withRules(['color-contrast'])), `${what}, dark`).toBe('');
  await page.emulateMedia({ colorScheme: 'light' });
}

/** What axe finds wrong with the page, one line for a kind of it, with the elements. */
async function wrong(page: Page, axe: AxeBuilder): Promise<string> {
  // What moves, moves for nobody who would rather not; it is the end of a movement that is looked at.
  await page.evaluate(() => Promise.all(document.getAnimations().map((a) => a.finished.catch(() => undefined))));
  const { violations } = await axe.analyze();
  const found = violations.flatMap(({ id, help, nodes }) => {
    const left = nodes.filter(
      ({ html }) => id !== 'label-content-name-mismatch' || !/^(<g |<div [^>]*role="treeitem")/.test(html),
    );
    if (left.length === 0) return [];
    const each = left.map(
      (n) => `    ${n.target.join(' ')}: ${n.html.slice(0, 160)}\n      ${n.any.map((c) => c.message).join('; ')}`,
    );
    return [`${id}: ${help} (${left.length})\n${each.slice(0, 6).join('\n')}`];
  });
  return found.join('\n');
}

test.describe('light and dark', () => {
  test.use({
    colorScheme: 'light',
    contextOptions: { reducedMotion: 'reduce' },
  });

  test('services, a service, and the map', async ({ page }) => {
    test.setTimeout(120_000);
    await page.goto('/services');
    await expect(
      page.getByRole('table', { name: 'Services' }).getByRole('link', { name: 'cart' }).first(),
    ).toBeVisible();
    await holds(page, 'services');
    await page.goto('/services/cart');
    await expect(page.getByRole('region', { name: 'Operations' }).getByRole('row').first()).toBeVisible();
    await expect(page.getByRole('progressbar')).toHaveCount(0);
    await holds(page, 'a service');
    await page.goto('/map');
    await expect(page.getByRole('button', { name: /^Service cart/ })).toBeVisible();
    await holds(page, 'the map');
    await page.getByRole('button', { name: /^Service cart/ }).press('Enter');
    await holds(page, 'the map with a service chosen');
  });

  test('traces and spans, and what filters them', async ({ page }) => {
    test.setTimeout(120_000);
    await page.goto('/traces');
    await expect(traceRows(page).first()).toBeVisible();
    await holds(page, 'traces');
    await page.getByRole('combobox', { name: 'Query for traces' }).fill('service = ');
    await expect(page.getByRole('option').first()).toBeVisible();
    await holds(page, 'suggestions');
    await page.goto('/traces?q=service+%3D+');
    await holds(page, 'a filter that cannot be read');
    await page.goto('/traces?q=name+%3D+nothing-is-called-so');
    await expect(page.getByRole('heading', { name: /^No traces/ })).toBeVisible();
    await holds(page, 'nothing found');
    await page.goto('/traces?tab=spans');
    await expect(page.getByRole('main')).toBeVisible();
    await holds(page, 'spans');
  });

  test('a trace with all its views', async ({ page, request }) => {
    test.setTimeout(180_000);
    await page.goto(`/traces/${(await troubledTrace(request)).trace_id}`);
    await expect(spanRows(page).first()).toBeVisible();
    await holds(page, 'waterfall');
    await spanRows(page).first().click();
    const details = page.getByRole('complementary', { name: 'Span details' });
    for (const tab of await details.getByRole('tab').all()) {
      await tab.click();
      await holds(page, `span details, ${await tab.innerText()}`, '[aria-label="Span details"]');
    }
    for (const tab of await page.getByRole('main').getByRole('tablist').first().getByRole('tab').all()) {
      await tab.click();
      await expect(tab).toHaveAttribute('aria-selected', 'true');
      await expect(page.getByRole('progressbar')).toHaveCount(0);
      await holds(page, `the view ${await tab.innerText()}`);
    }
  });

  test('logs, live and by pattern', async ({ page }) => {
    test.setTimeout(120_000);
    await page.goto('/logs');
    await expect(logRows(page).first()).toBeVisible();
    await holds(page, 'logs');
    await logRows(page).first().getByRole('button', { expanded: false }).first().click();
    await holds(page, 'a record');
    for (const view of ['live', 'patterns']) {
      await page.goto(`/logs?view=${view}`);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await page.waitForLoadState('networkidle', { timeout: 3_000 }).catch(() => undefined); // never, where it is live
      await holds(page, `logs, ${view}`);
    }
  });

  test('metrics', async ({ page }) => {
    await page.goto('/explore/metrics');
    await expect(page.getByRole('list', { name: 'Metrics' }).getByRole('link').first()).toBeVisible();
    await holds(page, 'metrics');
    const metric = page.getByRole('list', { name: 'Metrics' }).getByRole('link');
    await metric.filter({ hasText: 'http.server.request.duration' }).click();
    await expect(page.getByRole('region').getByRole('img').first()).toBeVisible();
    await holds(page, 'a metric');
  });

  test('what opens over a page, and what is none', async ({ page }) => {
    await page.goto('/services');
    await expect(page.getByRole('table', { name: 'Services' })).toBeVisible();
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('dialog')).toBeVisible();
    await holds(page, 'the palette');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await expect(page.getByRole('dialog')).toBeVisible();
    await holds(page, 'the keys');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^Time range/ }).click();
    await holds(page, 'the time range');
    await page.goto('/no/such/page');
    await expect(page.getByRole('heading', { name: /page/i })).toBeVisible();
    await holds(page, 'no page');
  });

  test('settings', async ({ page, allow }) => {
    test.setTimeout(120_000);
    allow.push('403 (Forbidden)'); // Where nobody is asked for a key, there are none to be listed.
    for (const tab of ['retention', 'keys', 'usage', 'storage', 'dead-letters', 'send', 'about']) {
      await page.goto(`/settings?tab=${tab}`);
      await expect(page.getByRole('tabpanel').getByRole('heading').first()).toBeVisible();
      await holds(page, `settings, ${tab}`);
    }
  });
});

test.describe('light and dark, asked who one is', () => {
  test.use({
    colorScheme: 'light',
    baseURL: loginURL(),
    contextOptions: { reducedMotion: 'reduce' },
  });

  test('the login', async ({ page }) => {
    await page.goto('/login?problem=login.flow');
    await expect(page.getByLabel('Key', { exact: true })).toBeVisible();
    await holds(page, 'login');
  });
});
