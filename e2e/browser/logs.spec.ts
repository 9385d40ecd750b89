import type { APIRequestContext, Page } from '@playwright/test';
import { otlpURL } from './environment';
import { expect, logRows, search, spanRows, test } from './page';

/** Sends records of a service of their own, a millisecond apart up to now. */
async function plant(request: APIRequestContext, service: string, records: { body: unknown; severity?: number }[]) {
  const now = Date.now();
  const response = await request.post(`${otlpURL()}/v1/logs`, {
    data: {
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
          scopeLogs: [
            {
              logRecords: records.map(({ body, severity = 9 }, i) => ({
                timeUnixNano: `${now - records.length + i}000000`,
                severityNumber: severity,
                body,
                attributes: [{ key: 'planted.number', value: { intValue: String(i) } }],
              })),
            },
          ],
        },
      ],
    },
  });
  expect(response.ok(), await response.text()).toBe(true);
}

const text = (stringValue: string) => ({ stringValue });

async function ask(page: Page, query: string) {
  const bar = page.getByRole('combobox', { name: 'Query for logs' });
  await bar.fill(query);
  await bar.press('Enter');
}

test('the list shows log records, and one opens', async ({ page }) => {
  await page.goto('/logs');
  await expect(logRows(page).first()).toBeVisible();
  await logRows(page).first().click();
  await expect(page.getByRole('heading', { name: 'Resource' })).toBeVisible();
  await expect(page.getByText('service.name', { exact: true })).toBeVisible();
});

test('a record leads to its span in its trace', async ({ page }) => {
  await page.goto('/logs');
  await page.getByRole('link', { name: 'Open the trace' }).first().click();
  await expect(page).toHaveURL(/\/traces\/[0-9a-f]{32}\?span=[0-9a-f]{16}/);
  await expect(page.getByRole('complementary', { name: 'Span details' })).toBeVisible();
  await expect(spanRows(page).and(page.locator('[aria-selected=true]'))).toHaveCount(1);
});

test('filters by severity, text and trace', async ({ page, request }) => {
  const { logs } = await search<{ logs: { trace_id?: string }[] }>(request, 'logs', [
    { field: 'severity', operator: 'gte', value: 17 },
    { field: 'trace_id', operator: 'exists', value: true },
  ]);
  const traceId = logs[0]!.trace_id!;
  await page.goto('/logs');
  const query = page.getByRole('combobox', { name: 'Query for logs' });
  await query.fill('severity >= error');
  await query.press('Enter');
  await expect(page).toHaveURL(/q=severity/);
  await expect(logRows(page).first()).toBeVisible();
  await expect(logRows(page).getByText(/^(TRACE|DEBUG|INFO|WARN)$/)).toHaveCount(0);

  await query.fill(`severity >= error and trace_id = ${traceId}`);
  await query.press('Enter');
  const found = logs.filter((record) => record.trace_id === traceId).length;
  await expect(logRows(page)).toHaveCount(found);

  await page.goto('/logs?body=no%20record%20has%20this%20text');
  await expect(page.getByRole('heading', { name: 'No log records here' })).toBeVisible();
});

test('words are looked for in bodies, whatever the case of their letters', async ({ page, request }) => {
  const { logs } = await search<{ logs: { body?: { stringValue?: string } }[] }>(request, 'logs', [
    { field: 'body', operator: 'contains', value: 'Transaction complete' },
  ]);
  await page.goto('/logs');
  const query = page.getByRole('combobox', { name: 'Query for logs' });
  await query.fill('TRANSACTION complete');
  await query.press('Enter');
  await expect(page.getByText(new RegExp(`^${Math.min(logs.length, 100)} log records?`))).toBeVisible();
  await query.fill('"TRANSACTION complete"');
  await query.press('Enter');
  await expect(page.getByRole('heading', { name: 'No log records here' })).toBeVisible();
});

test('the head tells of the whole range by severity, narrows it and is asked by severity', async ({
  page,
  request,
}) => {
  await plant(request, 'log-severities', [
    ...Array.from({ length: 6 }, () => ({ body: text('as usual') })),
    { body: text('it failed'), severity: 17 },
    { body: text('it failed worse'), severity: 21 },
  ]);
  await page.goto('/logs?q=service+=+log-severities');
  await expect(page.getByText('8 records', { exact: true })).toBeVisible();
  await expect(page.getByText('25 %')).toBeVisible();
  await expect(page.getByRole('img', { name: 'Log records over time: Info 6, Error 1, Fatal 1' })).toBeVisible();

  const legend = page.getByRole('list', { name: 'Severities' });
  await legend.getByRole('button', { name: 'Error: 1 records' }).click();
  await expect(page).toHaveURL(/severity/);
  await expect(logRows(page)).toHaveCount(1);
  await legend.getByRole('button', { name: /^Fatal/ }).click();
  await expect(logRows(page)).toHaveCount(2);
  await expect(legend.getByRole('button', { name: /^Fatal/ })).toHaveAttribute('aria-pressed', 'true');
  await legend.getByRole('button', { name: /^Error/ }).click();
  await expect(logRows(page)).toHaveCount(1);

  const box = (await page.getByRole('img', { name: /^Log records over time/ }).boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.2, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 30, { steps: 4 });
  await page.mouse.up();
  await expect(page).toHaveURL(/from=.*to=/);
  await page.goBack();
  await expect(page).not.toHaveURL(/from=/);
});

test('columns, wrapping, order and the open record are in the address', async ({ page, request }) => {
  await plant(request, 'log-columns', [
    { body: text('the first needle') },
    {
      body: {
        kvlistValue: {
          values: [
            { key: 'outer', value: { kvlistValue: { values: [{ key: 'inner', value: text('deep needle') }] } } },
          ],
        },
      },
    },
  ]);
  await page.goto('/logs?q=service+=+log-columns+and+needle');
  await expect(logRows(page)).toHaveCount(2);
  await expect(logRows(page).locator('mark')).toHaveText(['needle', 'needle']);

  await page.getByRole('button', { name: 'Columns', exact: true }).click();
  await page.getByLabel('Find a field').fill('planted');
  await page.getByRole('checkbox', { name: 'attributes.planted.number' }).click();
  await page.getByRole('button', { name: 'Move attributes.planted.number to the left' }).click();
  await page.getByRole('button', { name: 'Remove severity', exact: true }).click();
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/column=attributes\.planted\.number&column=service/);

  await page.getByRole('button', { name: 'Wrap lines' }).click();
  await page.getByRole('button', { name: 'Oldest first' }).click();
  await expect(page).toHaveURL(/order=oldest/);
  await expect(logRows(page).first()).toContainText('the first needle');
  await logRows(page).nth(1).getByRole('button', { expanded: false }).first().click();
  await expect(page).toHaveURL(/record=\d+\.\d+:\d+/);
  await page.reload();

  const opened = logRows(page).nth(1);
  await expect(opened.getByRole('heading', { name: 'Resource' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Wrap lines' })).toHaveAttribute('aria-pressed', 'true');
  await expect(logRows(page).first()).toContainText('0');
  // What lies in a body is folded.
  const fold = opened.getByRole('button', { name: 'outer: 1 members' });
  await expect(opened.getByText('inner', { exact: true })).toHaveCount(0);
  await fold.click();
  await expect(opened.getByText('inner', { exact: true })).toBeVisible();

  // Of a record that the list does not have, the page still shows what the link names.
  const record = new URL(page.url()).searchParams.get('record')!;
  for (const query of ['nothing-is-like-this+or+"the+first+needle"', 'nothing-is-like-this']) {
    await page.goto(`/logs?q=${query}&record=${record}`);
    await expect(
      page.getByRole('region', { name: 'The record of this link' }).getByText('outer', { exact: true }),
    ).toBeVisible();
  }
});

test('what surrounds a record is told, with it in the middle', async ({ page, request }) => {
  await plant(
    request,
    'log-context',
    Array.from({ length: 40 }, (_, i) => ({ body: text(i === 20 ? 'the middle' : `line ${i}`) })),
  );
  await page.goto('/logs?q=service+=+log-context+and+"the+middle"');
  await logRows(page).first().click();
  await page.getByRole('button', { name: 'Lines before and after' }).click();
  const around = page.getByRole('list', { name: 'Records around it, oldest first' }).getByRole('listitem');
  await expect(around).toHaveCount(21);
  await expect(around.nth(10)).toContainText('this record');
  await expect(around.nth(10)).toContainText('the middle');
  await page.getByRole('button', { name: 'Earlier' }).click();
  await expect(around).toHaveCount(31);
  await expect(around.first()).toContainText('line 0');
  await page.getByRole('button', { name: 'Later' }).click();
  await expect(around).toHaveCount(40);
  await expect(around.filter({ hasText: 'this record' })).toHaveCount(1);
  await expect(page.getByRole('button', { name: 'Nothing later' })).toBeDisabled();
});

test('records are followed as they arrive, paused, and gone on with', async ({ page, request }) => {
  await page.goto('/logs?q=service+=+log-live&view=live');
  const bar = page.getByRole('group', { name: 'Live records' });
  await expect(bar.getByText('live', { exact: true })).toBeVisible();
  await plant(request, 'log-live', [{ body: text('one') }, { body: text('two') }]);
  await expect(logRows(page)).toHaveCount(2);
  await expect(logRows(page).first()).toContainText('two');

  await bar.getByRole('button', { name: 'Pause' }).click();
  await plant(request, 'log-live', [{ body: text('three') }]);
  await plant(request, 'log-other', [{ body: text('of another service') }]);
  await expect(bar.getByText('1 record wait')).toBeVisible();
  await expect(logRows(page)).toHaveCount(2);
  await bar.getByRole('button', { name: 'Go on' }).click();
  await expect(logRows(page)).toHaveCount(3);
  await expect(logRows(page).first()).toContainText('three');

  await ask(page, 'service = log-live and four');
  await expect(page.getByText('Waiting for records that meet the query.')).toBeVisible();
});

test('patterns lead to the records that are like them', async ({ page, request }) => {
  await plant(request, 'log-patterns', [
    ...Array.from({ length: 9 }, (_, i) => ({ body: text(`took ${i + 10} ms for cart`) })),
    { body: text('full disk (sda1)'), severity: 17 },
  ]);
  await page.goto('/logs?q=service+=+log-patterns&view=patterns');
  const patterns = page.getByRole('list', { name: 'Patterns' }).getByRole('link');
  await expect(patterns).toHaveCount(2);
  await expect(page.getByText('2 patterns in 10 records')).toBeVisible();
  await expect(patterns.first()).toContainText('took <number> ms for cart');
  await expect(patterns.first()).toContainText('90 %');
  await expect(patterns.first()).toContainText('new');
  await patterns.first().click();
  await expect(page).toHaveURL(/body/);
  await expect(page).not.toHaveURL(/view=/);
  await expect(logRows(page)).toHaveCount(9);
});
