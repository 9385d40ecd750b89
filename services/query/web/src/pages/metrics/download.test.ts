import { describe, expect, it } from 'vitest';
import type { Answer, MetricLines } from '../../api/model';
import { instantFromMillis } from '../../time/instant';
import { fileName, toCSV, toJSON, type Shown } from './download';
import { linesOf } from './lines';

const group = (name: string, ...values: (number | undefined)[]) => ({
  values: [{ type: 'string', value: name } as const],
  series: undefined,
  seriesCount: 1,
  figures: [values],
  histogram: undefined,
});
const answer = (lines: MetricLines['lines']): MetricLines => ({
  metrics: [],
  overSeries: 'sum',
  timeline: { start: instantFromMillis(0), stepSeconds: 60, buckets: 2 },
  lookbackSeconds: 300,
  lines,
  other: { lines: 4, seriesCount: 4, figures: [], min: [1, undefined], max: [2, undefined] },
  lineCount: 6,
  seriesCount: 6,
  commonBounds: false,
  exemplars: [
    {
      time: instantFromMillis(1_000),
      value: 0.5,
      traceId: 'ab',
      spanId: 'cd',
      seriesId: '0',
      values: [],
      attributes: [],
    },
  ],
  notes: { points: 0, duplicates: 0, noNumbers: 0, gaps: 0, resets: 0, overlaps: 0 },
});
const shown = (lines: MetricLines['lines']): Shown => ({
  metric: { name: 'm', type: 'sum', unit: 'By', description: '', temporality: 'cumulative', monotonic: true },
  answer: answer(lines),
  told: { completeness: { watermark: new Date(60_000) } } as Answer<unknown>,
  bounds: { from: 0n, to: instantFromMillis(120_000) },
  lines: linesOf({ lines }, { by: ['k'], quantiles: [], together: '', serviceColour: String }),
  what: 'Rate, sum',
});

describe('a metric as a table', () => {
  it('has a row for each bucket, and nothing where there is nothing', () => {
    expect(toCSV(shown([group('a', 1.5, undefined), group('b', 0, 2e-9)]))).toBe(
      'time,a,b\r\n1970-01-01T00:00:00.000Z,1.5,0\r\n1970-01-01T00:01:00.000Z,,2e-9\r\n',
    );
  });

  it('is a table whatever labels are called, and no formula', () => {
    const [head] = toCSV(shown([group('a,"b"\nc', 1), group('=cmd()', 1), group('-1', 1)])).split('\r\n');
    expect(head).toBe(`time,"a,""b""\nc",'=cmd(),'-1`);
  });

  it('of a heatmap has a column for each of its rows', () => {
    const histogram = { edges: [0, 1, Infinity], counts: [[3, 4], undefined] };
    const heat = { ...group('x'), values: [], figures: [], histogram };
    expect(toCSV(shown([heat]))).toBe(
      'time,<= 1,<= Infinity\r\n1970-01-01T00:00:00.000Z,3,4\r\n1970-01-01T00:01:00.000Z,,\r\n',
    );
  });
});

it('as JSON is all of it', () => {
  expect(JSON.parse(toJSON(shown([group('a', 1.5, undefined)])))).toMatchObject({
    metric: { name: 'm', unit: 'By' },
    shows: 'Rate, sum',
    range: { step_seconds: 60 },
    complete_until: '1970-01-01T00:01:00.000Z',
    times: ['1970-01-01T00:00:00.000Z', '1970-01-01T00:01:00.000Z'],
    lines: [{ name: 'a', labels: [{ field: 'k', value: 'a' }], values: [1.5, null] }],
    others: { lines: 4, least: [1, null], greatest: [2, null] },
    exemplars: [{ value: 0.5, trace_id: 'ab', span_id: 'cd' }],
  });
});

it('is a file that can be kept, whatever the metric is called', () => {
  expect(fileName('http.server.request.duration', 'csv')).toBe('http.server.request.duration.csv');
  expect(fileName('../../etc/pass\u202ewd', 'csv')).toBe('etc_pass_wd.csv');
  expect(fileName('\u0000', 'png')).toBe('metric.png');
  expect(fileName('x'.repeat(5_000), 'json')).toHaveLength(105);
});
