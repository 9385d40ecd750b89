import { describe, expect, it } from 'vitest';
import { shownItem, traceSummary } from '../../api/revive';
import { target } from '../../parts/target';
import { spanFields, spanRow } from './spans';

const text = (stringValue: string) => ({ stringValue });
const int = (intValue: string) => ({ intValue });

describe('the list of spans', () => {
  it('is of what was asked for', () => {
    const item = shownItem({
      id: '7',
      fields: {
        trace_id: text('ab'),
        span_id: text('cd'),
        time: int('1763906607482019357'),
        service: text('cart'),
        name: text('GET'),
        kind: text('server'),
        status: text('error'),
        duration: int('1500000'),
        'attributes.http.route': text('/cart'),
      },
    });
    expect(spanRow(item)).toMatchObject({
      id: '7',
      traceId: 'ab',
      spanId: 'cd',
      start: 1_763_906_607_482_019_357n,
      failed: true,
      duration: 1_500_000,
    });
    expect(spanRow(item).fields.get('attributes.http.route')).toEqual({ type: 'string', value: '/cart' });
  });

  it('has spans of which nothing is known', () => {
    expect(spanRow({ id: '1', fields: new Map() })).toMatchObject({ name: '', duration: undefined, failed: false });
  });

  it('asks for each field once', () => {
    expect(spanFields(['service', 'attributes.a']).filter((field) => field === 'service')).toHaveLength(1);
    expect(spanFields(['attributes.a'])).toContain('attributes.a');
  });
});

it('a root of which some fields are told still has its target', () => {
  const { root } = traceSummary({
    trace_id: 'ab',
    root: {
      span_id: 'cd',
      name: 'GET',
      service_name: 'cart',
      kind: 2,
      status: { code: 0 },
      fields: { 'attributes.http.route': text('/cart'), __proto__x: text('y'), 'resource.k8s.pod.name': text('p') },
    },
    root_missing: false,
    start_time_unix_nano: '1',
    end_time_unix_nano: '2',
    duration_nano: '1',
    span_count: 1,
    error_count: 0,
    services: [],
    matched_time_unix_nano: '1',
  });
  expect(target(root.name, root.attributes)).toBe('/cart');
  expect(root.fields.get('resource.k8s.pod.name')).toEqual({ type: 'string', value: 'p' });
});
