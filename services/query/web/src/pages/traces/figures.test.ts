import { describe, expect, it } from 'vitest';
import type { Answer, Figures } from '../../api/model';
import { instantFromMillis } from '../../time/instant';
import { basisOf, headline } from './figures';

const hour = { from: 0n, to: instantFromMillis(3_605_000) };

function answer(figures: (number | undefined)[], items: number, seconds: number, more: Partial<Answer<Figures>> = {}) {
  const data: Figures = {
    groups: [],
    other: undefined,
    total: { values: [], items, figures, series: [], cells: [] },
    timeline: undefined,
    covered: { from: 0n, to: instantFromMillis(seconds * 1000), seconds },
    bands: [],
  };
  return { data, completeness: {}, stats: {}, incomplete: undefined, ...more } as Answer<Figures>;
}

describe('figures', () => {
  it('are of the roots where nothing is filtered, and of the spans that are found where something is', () => {
    expect(basisOf([], undefined)).toMatchObject({
      filters: [{ field: 'root', operator: 'eq', value: true }],
      many: 'root spans',
      typed: 'root=true',
    });
    const filters = [{ field: 'service', operator: 'eq', value: 'cart' } as const];
    expect(basisOf(filters, undefined)).toMatchObject({ filters, many: 'matching spans', typed: undefined });
    expect(basisOf([], 'spans')).toMatchObject({ filters: [], many: 'spans', typed: undefined });
  });

  it('are of no spans where all of the query is about other spans of the trace', () => {
    const other = { relation: 'trace', filters: [{ field: 'kind', operator: 'eq', value: 'server' }] } as const;
    expect(basisOf([other], undefined)).toBeUndefined();
    expect(basisOf([{ or: [{ field: 'root', operator: 'eq', value: true }, other] }], 'spans')).toBeUndefined();
    const own = { field: 'service', operator: 'eq', value: 'cart' } as const;
    expect(basisOf([own, other], undefined)).toMatchObject({ filters: [own] });
  });
});

describe('the head of the page', () => {
  const roots = basisOf([], undefined)!;
  const traces = answer([14_382], 14_382, 3_600);

  it('says how many, how often, how many failed and how long they took, and of what', () => {
    expect(headline(answer([14_400, 173, 4, 9e6, 74e6], 14_400, 3_600), roots, hour, traces, false)).toEqual({
      count: '14,382 traces',
      rate: '4/s',
      errors: '1.2 %',
      anyErrors: true,
      p95: '74 ms',
      over: 'of 14,400 root spans over 1h',
    });
  });

  it('says over which part of the range rates are', () => {
    const young = answer([600, 0, 1.5, 9e6, 74e6], 600, 400);
    expect(headline(young, roots, hour, undefined, false)).toMatchObject({
      count: undefined,
      errors: '0 %',
      anyErrors: false,
      over: 'of 600 root spans over the 7m with data',
    });
  });

  it('does not take what was cut for all', () => {
    const cut = { incomplete: 'the budget ended', since: 5n };
    const told = headline(
      answer([600, 0, 1.5, 9e6, 74e6], 600, 400, cut),
      roots,
      hour,
      answer([5_000], 5_000, 400, cut),
      false,
    );
    expect(told.count).toBe('at least 5,000 traces');
    expect(told.over).toBe('of 600 root spans over the newest 7m, which was looked at');
  });

  it('counts spans where these are listed', () => {
    const told = headline(
      answer([1, 1, 0.1, undefined, undefined], 1, 10),
      basisOf([], 'spans')!,
      hour,
      undefined,
      true,
    );
    expect(told).toMatchObject({ count: '1 span', p95: undefined, over: 'over the 10 s with data' });
  });
});
