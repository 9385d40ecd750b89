import { describe, expect, it } from 'vitest';
import { span } from './example';
import { flameLayout, mostRows, nodeAt } from './flameLayout';
import { buildTree, endOf } from './tree';

const names = (...spans: Parameters<typeof buildTree>[0]) =>
  flameLayout(buildTree(spans)).rows.map((row) => row.map((n) => n.span.spanId).join(' '));

describe('the flame graph', () => {
  it('has children below their parents, one after the other in a row', () => {
    expect(names(span('a', '', 0, 100), span('b', 'a', 0, 40), span('c', 'a', 50, 40), span('d', 'b', 5, 5))).toEqual([
      'a',
      'b c',
      'd',
    ]);
  });

  it('gives spans that run at the same time rows of their own', () => {
    const { rows } = flameLayout(
      buildTree([span('a', '', 0, 100), span('b', 'a', 0, 60), span('c', 'a', 30, 60), span('d', 'c', 35, 5)]),
    );
    for (const row of rows) row.slice(1).forEach((n, i) => expect(n.offset).toBeGreaterThanOrEqual(endOf(row[i]!)));
    expect(rows.map((row) => row.length).reduce((a, b) => a + b)).toBe(4);
  });

  it('places a child that begins before its parent below it', () => {
    expect(names(span('a', '', 20, 50), span('b', 'a', 0, 5))).toEqual(['a', 'b']);
  });

  it('ends at a row that all others share', () => {
    const spans = Array.from({ length: 1_000 }, (_, i) => span(`s${i}`, i === 0 ? '' : 's0', i, 5_000 - i));
    expect(flameLayout(buildTree(spans)).rows).toHaveLength(mostRows);
  });

  it('finds what is under the pointer, or right beside it', () => {
    const { rows } = flameLayout(buildTree([span('a', '', 0, 100), span('b', 'a', 10, 10), span('c', 'a', 40, 1)]));
    const at = (moment: number) => nodeAt(rows[1], moment, 3)?.span.spanId;
    expect([at(15), at(43), at(30), at(7)]).toEqual(['b', 'c', undefined, 'b']);
    expect(nodeAt(undefined, 5, 3)).toBeUndefined();
  });
});
