// What is shown while there is nothing yet, while the database hangs, and while the server is away: on an ollyScale of its own, which is hurt.

import { randomBytes } from 'node:crypto';
import { withOwn } from './own';
import { expect, traceRows } from './page';

const test = withOwn();
test.describe.configure({ mode: 'serial' });

/** A trace of one span, of now. */
const trace = (name: string) => {
  const now = BigInt(Date.now()) * 1_000_000n;
  const span = {
    ...{ traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex'), name, kind: 2 },
    ...{ startTimeUnixNano: String(now - 5_000_000n), endTimeUnixNano: String(now) },
  };
  const attributes = [{ key: 'service.name', value: { stringValue: 'shop' } }];
  return { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans: [span] }] }] };
};

test('an empty installation tells its own addresses, and turns by itself', async ({ page, own }) => {
  await page.goto('/traces');
  await expect(page.getByRole('heading', { name: 'Ready for your first trace' })).toBeVisible();
  await expect(page.getByText(own.http, { exact: true })).toBeVisible();
  await expect(page.getByText(own.grpc, { exact: true })).toBeVisible();
  await expect(page.getByText('Waiting for first data')).toBeVisible();
  const snippet = page.getByRole('tabpanel').locator('pre');
  for (const way of ['Demo', 'Collector', 'Go', 'Java', 'Python', 'JavaScript', '.NET', 'curl']) {
    await page.getByRole('tab', { name: way, exact: true }).click();
    await expect(snippet).toContainText(way === 'Demo' ? new URL(own.grpc).host : own.http);
  }
  await own.send('traces', trace('first'));
  await expect(traceRows(page)).toHaveCount(1, { timeout: 20_000 });
});

test('while the database hangs, what is there stays, and everything says so until it is back', async ({
  page,
  own,
  allow,
}) => {
  allow.push('503', '504', 'ERR_');
  test.setTimeout(120_000);
  await page.goto('/traces');
  await expect(traceRows(page)).toHaveCount(1);
  await expect(page.getByRole('button', { name: 'How fresh it is: Live' })).toBeVisible();
  own.signalPostgres('SIGSTOP');
  try {
    await expect(
      page.getByRole('button', { name: /How fresh it is: Database away since \d\d:\d\d:\d\d, retrying/ }),
    ).toBeVisible({
      timeout: 30_000,
    });
    await expect(page.getByText(/^The database is away since/)).toBeVisible();
    await expect(traceRows(page)).toHaveCount(1);

    // A page that was not there before says how long it waits, and can be told not to.
    await page.getByRole('navigation').getByRole('link', { name: 'Logs' }).click();
    await expect(page.getByText(/^Still loading, \d+ s$/)).toBeVisible({ timeout: 15_000 });
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByText('Cancelled before an answer came.')).toBeVisible();
    await page.getByRole('navigation').getByRole('link', { name: 'Traces' }).click();
  } finally {
    own.signalPostgres('SIGCONT');
  }
  await expect(page.getByText(/^The database is away since/)).toHaveCount(0, { timeout: 30_000 });
  await expect(traceRows(page)).toHaveCount(1);
  await own.send('traces', trace('second'));
  await expect(traceRows(page)).toHaveCount(2, { timeout: 30_000 });
});

test('while the server is away, what is there stays, with its time, and goes on by itself', async ({
  page,
  own,
  allow,
}) => {
  allow.push('ERR_', '502', '503');
  test.setTimeout(120_000);
  await page.goto('/traces');
  await expect(traceRows(page)).toHaveCount(2);
  await own.kill();
  await page.getByRole('button', { name: 'Refresh now' }).click();
  await expect(page.getByText(/^ollyScale does not answer since \d\d:\d\d:\d\d/)).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText(/This is of \d\d:\d\d:\d\d\. Asking again failed/)).toBeVisible({ timeout: 30_000 });
  await expect(traceRows(page)).toHaveCount(2);
  await expect(page.getByRole('button', { name: /How fresh it is: No answer since .* retrying/ })).toBeVisible();

  await own.start();
  await expect(page.getByText(/^ollyScale does not answer/)).toHaveCount(0, { timeout: 30_000 });
  await expect(page.getByText(/Asking again failed/)).toHaveCount(0);
  await own.send('traces', trace('third'));
  await expect(traceRows(page)).toHaveCount(3, { timeout: 30_000 });
});
