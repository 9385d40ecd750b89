// Anybody who may send decides what services, spans, attributes and metrics are called. Whatever that is, every page shows it as text, in its
// place, and stays usable.

import { randomBytes } from 'node:crypto';
import type { Page } from '@playwright/test';
import { withOwn } from './own';
import { expect, logRows, spanRows, traceRows } from './page';

const names = [
  '__proto__',
  'constructor',
  'toString',
  '',
  'long'.repeat(2_500),
  'WIDE'.repeat(2_500),
  'evil\u202egpj.exe',
  'nul\0nul\u001b[31m',
  '👩‍👩‍👧‍👦🔥',
  '<img src=x onerror=alert(1)>"\'&amp;',
  'שלום (עולם) مرحبا 123',
  'line\nend\ttab\r\nend',
  'z\u0301\u0302\u0303\u0304'.repeat(50),
];

const test = withOwn();
test.use({ actionTimeout: 15_000 });
test.beforeAll(async ({ own }) => {
  const text = (value: string) => ({ stringValue: value });
  const attributes = (name: string) => [
    { key: name, value: text(name) },
    { key: 'nested', value: { kvlistValue: { values: [{ key: name, value: text(name) }] } } },
    { key: 'plain', value: text('plain') },
  ];
  const resource = (name: string) => ({
    attributes: [
      { key: 'service.name', value: text(name) },
      { key: 'service.namespace', value: text(name) },
      ...attributes(name),
    ],
  });
  const now = BigInt(Date.now()) * 1_000_000n;
  const at = (i: number, more = 0n) => String(now - BigInt(i) * 1_000_000_000n + more);
  const id = (bytes: number) => randomBytes(bytes).toString('hex');
  const scope = (name: string) => ({ name, version: name });
  const told: { traceId: string; spanId: string }[] = [];
  await own.send('traces', {
    resourceSpans: names.flatMap((name, i) => {
      const traceId = id(16);
      const root = id(8);
      told.push({ traceId, spanId: root });
      const span = (spanId: string, parentSpanId: string, kind: number) => ({
        ...{ traceId, spanId, parentSpanId, kind, name, traceState: 'a=b' },
        startTimeUnixNano: at(i),
        endTimeUnixNano: at(i, 50_000_000n),
        attributes: attributes(name),
        status: { code: 2, message: name },
        events: [
          { timeUnixNano: at(i, 5n), name, attributes: attributes(name) },
          {
            timeUnixNano: at(i, 9n),
            name: 'exception',
            attributes: ['type', 'message', 'stacktrace'].map((key) => ({
              key: `exception.${key}`,
              value: text(name),
            })),
          },
        ],
        links: [{ traceId, spanId: root, attributes: attributes(name) }],
      });
      const client = id(8);
      return [
        {
          resource: resource(name),
          scopeSpans: [{ scope: scope(name), spans: [span(root, '', 2), span(client, root, 3)] }],
        },
        {
          resource: resource(names[(i + 1) % names.length]!),
          scopeSpans: [{ scope: scope(name), spans: [span(id(8), client, 2)] }],
        },
      ];
    }),
  });
  await own.send('logs', {
    resourceLogs: names.map((name, i) => ({
      resource: resource(name),
      scopeLogs: [
        {
          scope: scope(name),
          logRecords: [
            {
              ...{ timeUnixNano: at(i), severityNumber: 17, severityText: name, eventName: name, ...told[i] },
              body: text(name),
              attributes: attributes(name),
            },
          ],
        },
      ],
    })),
  });
  await own.send('metrics', {
    resourceMetrics: names
      .filter((name) => name !== '') // a metric has to have a name
      .map((name) => name.slice(0, 500))
      .map((name, i) => ({
        resource: resource(name),
        scopeMetrics: [
          {
            scope: scope(name),
            metrics: [
              {
                ...{ name, unit: name, description: name },
                gauge: {
                  dataPoints: [1, 2, 3].map((n) => ({
                    timeUnixNano: at(i + n),
                    asDouble: n,
                    attributes: attributes(name),
                  })),
                },
              },
            ],
          },
        ],
      })),
  });
});

/** The frame is where it belongs, nothing has pushed it, and nothing that was sent has run. */
async function stands(page: Page) {
  await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
  await expect(page.getByRole('alert')).toHaveCount(0);
  const wrong = await page.evaluate(() => {
    const found: string[] = [];
    const root = document.scrollingElement!;
    if (root.scrollWidth > innerWidth || root.scrollHeight > innerHeight) found.push('the page scrolls');
    for (const element of document.querySelectorAll('header button, header h1, header [role=status], nav a, main')) {
      const { left, right, width } = element.getBoundingClientRect();
      if (width > 0 && (right > innerWidth + 1 || left < 0))
        found.push(`out of sight: ${element.outerHTML.slice(0, 200)}`);
    }
    for (const line of document.querySelectorAll('[data-line] > *')) {
      const { right } = line.getBoundingClientRect();
      if (right > innerWidth + 1) found.push(`pushed out of its line: ${line.outerHTML.slice(0, 200)}`);
    }
    return found;
  });
  expect(wrong).toEqual([]);
  expect((await page.title()).length).toBeLessThan(120);
}

const go = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click();

for (const [scheme, width] of [
  ['light', 1440],
  ['dark', 1024],
] as const) {
  test(`whatever things are called, every page shows it (${scheme}, ${width} px)`, async ({ page }) => {
    test.setTimeout(180_000);
    page.on('dialog', (dialog) => {
      throw new Error(`a dialog: ${dialog.message()}`);
    });
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height: 900 });
    await page.goto('/traces');

    await expect(traceRows(page)).toHaveCount(names.length, { timeout: 20_000 });
    await stands(page);
    for (const name of ['__proto__', names[4]!.slice(0, 20), 'שלום']) {
      await traceRows(page).filter({ hasText: name }).first().click();
      await spanRows(page).first().click();
      const details = page.getByRole('complementary', { name: 'Span details' });
      for (const tab of ['Events', 'Links', 'Logs', 'Resource', 'Attributes']) {
        await details.getByRole('tab', { name: tab }).click();
        await stands(page);
      }
      await go(page, 'Traces');
    }

    await go(page, 'Logs');
    await expect(logRows(page)).toHaveCount(names.length);
    await stands(page);
    // From below, so that those to be opened stay where they are.
    for (let i = names.length - 1; i >= 0; i--) {
      await logRows(page).nth(i).getByRole('button', { expanded: false }).first().click();
    }
    await stands(page);

    await go(page, 'Metrics');
    for (const metric of ['__proto__', 'longlong', 'שלום']) {
      await page.getByRole('list', { name: 'Metrics' }).getByRole('link').filter({ hasText: metric }).click();
      await stands(page);
    }

    await go(page, 'Services');
    await expect(page.getByText('__proto__').first()).toBeVisible();
    await stands(page);

    await go(page, 'Service map');
    for (const service of ['__proto__', 'longlong', 'שלום']) {
      const node = page.getByRole('button', { name: new RegExp(`^Service .*${service}`) });
      await node.focus();
      await node.press('Enter');
      await stands(page);
    }
    await go(page, 'Traces');
    await expect(traceRows(page).first()).toBeVisible();
  });
}
