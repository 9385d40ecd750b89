import { describe, expect, it } from 'vitest';
import type { Answer, Comparison, Figures } from '../../api/model';
import { rendered, texts } from '../../parts/rendered';
import { instantFromMillis } from '../../time/instant';
import { Differences } from './Differences';
import { compared, differing } from './contrast';
import { basisOf } from './figures';

const roots = basisOf([], undefined)!;
const figures = { total: { figures: [100, 2, 1, 10e6, 74e6] } } as unknown as Figures;
const comparison: Comparison = {
  selected: 20,
  baseline: 980,
  selectedIs: 'all',
  baselineIs: 'sample',
  values: [
    {
      field: 'attributes.region',
      value: { type: 'string', value: '__proto__' },
      selected: 20,
      baseline: 49,
      score: 0.95,
    },
    { field: 'status', value: { type: 'int', value: 2n }, selected: 20, baseline: 0, score: 1 },
    { field: 'kind', value: { type: 'int', value: 2n }, selected: 20, baseline: 700, score: 0.3 },
  ],
};

describe('what is compared', () => {
  it('is what failed with what did not', () => {
    expect(compared('errors', roots, undefined, undefined)).toMatchObject({
      selected: [{ field: 'status', operator: 'eq', value: 'error' }],
      these: 'root spans that failed',
    });
  });

  it('is the slowest twentieth with the quicker half, once it is known what that is', () => {
    expect(compared('slow', roots, undefined, undefined)).toBeUndefined();
    expect(compared('slow', roots, undefined, figures)).toMatchObject({
      selected: [{ field: 'duration', operator: 'gte', value: 74e6 }],
      baseline: [{ field: 'duration', operator: 'lte', value: 10e6 }],
    });
  });

  it('is a box with all else', () => {
    expect(compared('box', roots, undefined, figures)).toBeUndefined();
    const box = { from: 0n, to: instantFromMillis(60_000), shortest: 1e6, longest: 2e6 };
    expect(compared('box', roots, box, figures)?.selected).toHaveLength(4);
  });
});

describe('what differs', () => {
  it('is told by the parts of both sets, without what was selected by', () => {
    expect(
      differing(comparison, ['status']).map(({ of, text, selected, baseline }) => [of.field, text, selected, baseline]),
    ).toEqual([
      ['attributes.region', '__proto__', 1, 0.05],
      ['kind', 'server', 1, 700 / 980],
    ]);
  });

  const shown = (data: Comparison, incomplete?: string) =>
    rendered(
      <Differences
        compared={compared('errors', roots, undefined, undefined)}
        known
        asked={{ data, answer: { incomplete } as Answer<unknown>, error: null }}
        onNarrow={() => undefined}
        onClose={() => undefined}
      />,
    );

  it('says of how many, and of which side there are more', () => {
    const told = texts(shown(comparison)).join('|');
    expect(told).toContain('root spans that failed');
    expect(told).toMatch(/in \|?20\|? /);
    expect(told).toContain('at least 980');
    expect(told).not.toContain('at least 20');
    expect(told).toContain('__proto__');
    expect(told).toContain('100 %');
    expect(told).toContain('5 %');
    expect(shown(comparison)).toContain('aria-label="Only attributes.region __proto__"');
    expect(shown(comparison)).toContain('aria-label="Without attributes.region __proto__"');
  });

  it('says that nothing differs, or that nothing is selected, and that it was cut', () => {
    expect(shown({ ...comparison, values: [] })).toContain('No value is clearly more frequent');
    expect(shown({ ...comparison, values: [], selected: 0 })).toContain('Nothing is selected');
    expect(shown({ ...comparison, values: [] }, 'the budget ended')).toContain('the budget ended');
  });

  it('does not wait for a question that cannot be asked', () => {
    const slow = (known: boolean) =>
      rendered(
        <Differences
          compared={compared('slow', roots, undefined, undefined)}
          asked={{ data: undefined, answer: undefined, error: null }}
          known={known}
          onNarrow={() => undefined}
          onClose={() => undefined}
        />,
      );
    expect(slow(true)).toContain('no durations to compare');
    expect(slow(false)).toContain('Comparing all attributes');
  });
});
