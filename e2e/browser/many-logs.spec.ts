import { expect, logRows } from './page';
import { withOwn } from './own';

const test = withOwn();

const requests = 50;
const each = 2_000;
const all = requests * each;

test('a hundred thousand records are scrolled through, there and back, in a page that does not grow', async ({
  page,
  own,
}) => {
  test.setTimeout(600_000); // a hundred pages one after the other, where others use the machine
  const from = Date.now() - 600_000;
  for (let r = 0; r < requests; r++) {
    await own.send('logs', {
      resourceLogs: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'many' } }] },
          scopeLogs: [
            {
              logRecords: Array.from({ length: each }, (_, i) => ({
                timeUnixNano: `${from + r * each + i}000000`,
                severityNumber: 9,
                body: { stringValue: `record number ${r * each + i}` },
              })),
            },
          ],
        },
      ],
    });
  }
  await page.goto('/logs?order=oldest');
  await expect(page.getByText(`${all.toLocaleString('en-US')} records`, { exact: true })).toBeVisible({
    timeout: 120_000, // until all of them are stored
  });
  await expect(logRows(page).first()).toContainText('record number 0');

  const heap = async () => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize } = (await devtools.send('Runtime.getHeapUsage')) as { usedSize: number };
    await devtools.detach();
    return usedSize / 1e6;
  };
  const elements = () => page.evaluate(() => document.querySelectorAll('*').length);
  /** Scrolls to the end of what is loaded, again and again, until so much is. */
  const scrollTo = (records: number) =>
    page.evaluate(async (wanted) => {
      const body = document.querySelector('[role=list][aria-label="Log records"]')!;
      const scroller = body.parentElement!.parentElement!;
      const loaded = () => Number(document.querySelector('[role=listitem]')?.getAttribute('aria-setsize') ?? 0);
      while (loaded() < wanted) {
        const before = loaded();
        scroller.scrollTop = scroller.scrollHeight;
        while (loaded() === before) await new Promise((done) => setTimeout(done, 20));
      }
      scroller.scrollTop = scroller.scrollHeight;
    }, records);

  await scrollTo(all / 10);
  const [few, fewMegabytes] = [await elements(), await heap()];
  await scrollTo(all);
  await expect(page.getByText(`${all.toLocaleString('en-US')} log records, all there are`)).toBeVisible();
  await expect(logRows(page).last()).toContainText(`record number ${all - 1}`);
  const [many, manyMegabytes] = [await elements(), await heap()];
  expect(many).toBeLessThan(few + 400);
  // Of each record its place is known, of some thousands all else.
  expect(manyMegabytes).toBeLessThan(fewMegabytes + 40);

  // In the middle, whose page has been let go of.
  await page.evaluate(() => {
    const body = document.querySelector('[role=list][aria-label="Log records"]')!;
    const scroller = body.parentElement!.parentElement!;
    scroller.scrollTop = scroller.scrollHeight / 2;
  });
  await expect(
    logRows(page)
      .getByText(/^record number (49|50)\d{3}$/)
      .first(),
  ).toBeVisible();
  expect(await elements()).toBeLessThan(few + 400);
});
