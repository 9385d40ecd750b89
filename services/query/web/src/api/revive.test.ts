import { describe, expect, it } from 'vitest';
import * as revive from './revive';
import type { components } from './wire';

const envelope = {
  completeness: { watermark: '2026-11-23T10:00:00Z', lag_ms: 120, pending: 2, dead_letters: 3 },
  stats: { elapsed_ms: 3.5, items_scanned: 10, segments_read: 1, segments_pruned: 4, bytes_read: 1234 },
};

const span: components['schemas']['Span'] = {
  id: '1-2',
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  span_id: 'b7ad6b7169203331',
  name: 'GET /cart',
  kind: 2,
  status: { code: 2, message: 'no stock' },
  start_time_unix_nano: '1763906607482019357',
  end_time_unix_nano: '1763906607482019457',
  duration_nano: '100',
  attributes: [{ key: 'http.response.status_code', value: { intValue: '503' } }],
  events: [{ time_unix_nano: '1763906607482019400', name: 'exception', attributes: [] }],
  links: [],
  service_name: 'cart',
  resource_index: 0,
  scope_index: 0,
};

describe('values', () => {
  it('keep the type that was sent', () => {
    expect(revive.value({ intValue: '9007199254740993' })).toEqual({ type: 'int', value: 9007199254740993n });
    expect(revive.value({ stringValue: '' })).toEqual({ type: 'string', value: '' });
    expect(revive.value({ boolValue: false })).toEqual({ type: 'bool', value: false });
    expect(revive.value({ doubleValue: 'NaN' })).toEqual({ type: 'double', value: NaN });
    expect(revive.value({ doubleValue: '-Infinity' })).toEqual({ type: 'double', value: -Infinity });
    expect(revive.value({ bytesValue: 'AAE=' })).toEqual({ type: 'bytes', base64: 'AAE=' });
    expect(revive.value({})).toEqual({ type: 'empty' });
    expect(
      revive.value({ kvlistValue: { values: [{ key: 'a', value: { arrayValue: { values: [{ intValue: '1' }] } } }] } }),
    ).toEqual({
      type: 'map',
      entries: [{ key: 'a', value: { type: 'array', items: [{ type: 'int', value: 1n }] } }],
    });
  });
});

describe('traces', () => {
  const wire: components['schemas']['Trace'] = {
    trace_id: span.trace_id,
    spans: [span],
    resources: [{ service_name: 'cart', attributes: [] }],
    scopes: [{ name: 'otelhttp', attributes: [] }],
    ...envelope,
  };

  it('keep nanoseconds, and join resources and scopes in', () => {
    const [revived] = revive.trace(wire).spans;
    expect(revived).toMatchObject({
      start: 1_763_906_607_482_019_357n,
      duration: 100,
      kind: 'server',
      status: 'error',
      parentSpanId: '',
      scope: { name: 'otelhttp' },
      resource: { service: 'cart' },
    });
    expect(revived?.events[0]?.time).toBe(1_763_906_607_482_019_400n);
  });

  it('are refused when an index points nowhere', () => {
    expect(() => revive.trace({ ...wire, scopes: [] })).toThrow('scope 0 of 0');
  });
});

describe('pages', () => {
  it('have a next cursor only when there is more', () => {
    const more = revive.page({ ...envelope, pagination: { has_more: true, next_cursor: 'abc' } }, []);
    expect(more.next).toBe('abc');
    expect(more.completeness).toMatchObject({ lagMillis: 120, pending: 2, deadLetters: 3 });
    expect(more.completeness.lost).toBeUndefined();
    const completeness = { queue_lost_from: '2026-11-23T09:00:00Z', queue_lost_to: '2026-11-23T09:05:00.5Z' };
    expect(revive.answer({ ...envelope, completeness }, []).completeness.lost).toEqual({
      from: new Date(Date.UTC(2026, 10, 23, 9, 0)),
      to: new Date(Date.UTC(2026, 10, 23, 9, 5, 0, 500)),
    });
    expect(revive.page({ ...envelope, pagination: { has_more: false } }, []).next).toBeUndefined();
  });

  it('say why they were cut', () => {
    const cut = { ...envelope, incomplete: { reason: 'timeout' as const, message: 'time is up' } };
    expect(revive.answer(cut, null).incomplete).toBe('time is up');
    expect(revive.first(cut, [1], 2, 'services').incomplete).toBe('time is up');
    expect(revive.first(envelope, [1], 2, 'services').incomplete).toBe('it holds the first 1 of 2 services');
    expect(revive.first(envelope, [1, 2], 2, 'services').incomplete).toBeUndefined();
  });
});

it('gives a log record without a time of its own the time it was observed', () => {
  const [record] = revive.logs({
    logs: [
      {
        id: '1',
        time_unix_nano: '0',
        observed_time_unix_nano: '42',
        severity_number: 9,
        attributes: [],
        service_name: 'cart',
        resource_index: 0,
        scope_index: 0,
      },
    ],
    resources: [{ service_name: 'cart', attributes: [] }],
    scopes: [{ name: '', attributes: [] }],
  });
  expect(record).toMatchObject({ time: 42n, body: { type: 'empty' }, traceId: '' });
});

describe('events of the live tail', () => {
  const log = {
    id: '7.1',
    time_unix_nano: '1795428900060000001',
    observed_time_unix_nano: '0',
    severity_number: 17,
    attributes: [],
    service_name: 'cart',
    resource_index: 4,
    scope_index: 4,
  };
  const data = JSON.stringify({
    log,
    resource: { service_name: 'cart', attributes: [{ key: 'host.name', value: { stringValue: 'a' } }] },
    scope: { name: 'lib', attributes: [] },
  });

  it('are records that stand for themselves, gaps, and ends', () => {
    expect(revive.liveEvent({ name: 'log', data })).toMatchObject({
      is: 'log',
      record: { id: '7.1', time: 1795428900060000001n, scope: { name: 'lib' } },
    });
    expect(revive.liveEvent({ name: 'missed', data: '{"records":3,"at_least":true}' })).toEqual({
      is: 'missed',
      records: 3,
      atLeast: true,
    });
    expect(revive.liveEvent({ name: 'end', data: '{"reason":"time"}' })).toEqual({ is: 'end', reason: 'time' });
    expect(revive.liveEvent({ name: 'open', data: '' })).toEqual({ is: 'open' });
    expect(revive.liveEvent({ name: 'heartbeat', data: '{"time":"x"}' })).toBeUndefined();
  });
});

it('fields and operators are whole where the wire leaves things out', () => {
  const { operators, fields } = revive.fieldCatalogue({
    operators: [{ name: 'in', label: 'is one of', operand: 'list', description: 'x' }],
    fields: [
      {
        name: 'resource.',
        prefix: true,
        kind: 'attribute',
        signals: ['logs'],
        operators: ['in'],
        unit: 'ns',
        description: 'y',
      },
    ],
    relations: [],
  });
  expect(operators).toEqual([
    { name: 'in', symbol: '', label: 'is one of', operand: 'list', negates: undefined, description: 'x' },
  ]);
  expect(fields).toEqual([
    {
      name: 'resource.',
      prefix: true,
      kind: 'attribute',
      signals: ['logs'],
      operators: ['in'],
      values: [],
      description: 'y',
    },
  ]);
});

describe('figures', () => {
  const group = { values: [], items: 2, figures: [2, null] };
  const wire: components['schemas']['Aggregate'] = {
    ...envelope,
    measures: [
      { measure: 'count', estimated: false },
      {
        measure: 'histogram',
        field: 'duration',
        estimated: false,
        bands: [{ from: 1, to: 2, lower: {}, upper: {} }],
      },
    ],
    groups: [{ ...group, values: [{ intValue: '200' }, null] }],
    total: { ...group, series: [[2, null]], cells: [[], [[2]]] },
    distinct_groups: 1,
    timeline: { start_unix_nano: '60000000000', step_seconds: 60, buckets: 2 },
    covered: { start_unix_nano: '60000000000', end_unix_nano: '90000000000', seconds: 30 },
    basis: { rollups: 0, segments: 2 },
  };

  it('keep apart what is nothing and what is not there', () => {
    const told = revive.figures(wire);
    expect(told.groups[0]?.values).toEqual([{ type: 'int', value: 200n }, undefined]);
    expect(told.total.figures).toEqual([2, undefined]);
    expect(told.total.series).toEqual([[2, undefined]]);
    expect(told.bands).toEqual([[], [{ from: 1, to: 2 }]]);
    expect(told.timeline).toEqual({ start: 60_000_000_000n, stepSeconds: 60, buckets: 2 });
  });

  it('say since when they are whole, where they were cut', () => {
    const cut = { reason: 'timeout', message: 'the time ended', since: '70000000000' } as const;
    expect(revive.answer({ ...envelope, incomplete: cut }, 1)).toMatchObject({
      incomplete: 'the time ended',
      since: 70_000_000_000n,
    });
    expect(revive.answer(envelope, 1).since).toBeUndefined();
  });
});

describe('metrics', () => {
  const metric = { name: 'http.server.request.duration', type: 'histogram', unit: 's', temporality: 2 } as const;
  const notes = { points: 9, duplicates: 0, no_numbers: 1, gaps: 2, resets: 3, overlaps: 4 };

  it('have lines with nothing where there is no value, and the edges of histograms whatever they are', () => {
    const lines = revive.metricLines({
      metrics: [metric],
      over_time: 'increase',
      over_series: 'histogram',
      timeline: { start_unix_nano: '1763906607000000000', step_seconds: 60, buckets: 2 },
      lookback_seconds: 300,
      lines: [
        {
          values: [{ stringValue: 'cart' }, null],
          series_count: 2,
          figures: [[1, null]],
          histogram: { edges: ['-Infinity', 0.1, 'Infinity'], counts: [null, [3, 4]] },
        },
      ],
      other: { lines: 7, series_count: 9, min: [null, 1], max: [null, 2] },
      line_count: 8,
      series_count: 11,
      exemplars: [
        {
          time_unix_nano: '1763906607482019357',
          value: 0.25,
          trace_id: '0af7651916cd43dd8448eb211c80319c',
          series_id: '00ff',
          values: [null],
          filtered_attributes: [],
        },
      ],
      notes,
      ...envelope,
    });
    expect(lines).toMatchObject({
      overSeries: 'histogram',
      lines: [
        {
          values: [{ type: 'string', value: 'cart' }, undefined],
          figures: [[1, undefined]],
          histogram: { edges: [-Infinity, 0.1, Infinity], counts: [undefined, [3, 4]] },
        },
      ],
      other: { lines: 7, figures: [], min: [undefined, 1], max: [undefined, 2] },
      exemplars: [{ time: 1_763_906_607_482_019_357n, spanId: '', values: [undefined] }],
      notes: { noNumbers: 1, gaps: 2 },
    });
  });

  it('have cardinality with what it was before, where that is known', () => {
    const label = { scope: 'attributes', key: 'http.route', values: 40, estimated: false } as const;
    const of = { metric, series: 300, estimated: true };
    const told = revive.cardinality({
      metrics: [{ ...of, series_before: 200, labels: [{ ...label, values_before: 10 }, label] }],
      total: 1,
      series: 300,
      ...envelope,
    });
    expect(told.before).toBeUndefined();
    expect(told.metrics[0]).toMatchObject({ series: 300, before: 200, metric: { temporality: 'cumulative' } });
    expect(told.metrics[0]?.labels.map(({ before }) => before)).toEqual([10, undefined]);
  });
});
