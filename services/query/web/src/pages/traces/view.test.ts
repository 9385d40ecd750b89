import { describe, expect, it } from 'vitest';
import { instantFromMillis } from '../../time/instant';
import { boxFromText, boxToText, inBox, viewSearch, type Box } from './view';

const box: Box = {
  from: instantFromMillis(Date.UTC(2026, 10, 23, 10)),
  to: instantFromMillis(Date.UTC(2026, 10, 23, 10, 5)),
  shortest: 1_000_000,
  longest: 134_217_728,
};
const text = '2026-11-23T10:00:00.000Z~2026-11-23T10:05:00.000Z~1000000~134217728';

describe('the view of the traces page', () => {
  it('is what the address says', () => {
    const search = { tab: 'spans', chart: 'heatmap', box: text, differ: 'box', sort: '-duration', column: ['kind'] };
    expect(viewSearch({ ...search, service: 'cart' })).toEqual(search);
    expect(viewSearch({ tab: 'x', chart: 'pie', differ: 'y', box: 'z', range: '1h' })).toEqual({});
  });

  it('has each column once, and as many as there is room for', () => {
    expect(viewSearch({ column: ['kind', 'kind', 'status'] })).toEqual({ column: ['kind', 'status'] });
    const many = Array.from({ length: 60 }, (_, i) => `attributes.a${i}`);
    expect(viewSearch({ column: many }).column).toHaveLength(8);
  });

  it('compares a box only where there is one', () => {
    expect(viewSearch({ differ: 'box' })).toEqual({});
    expect(viewSearch({ differ: 'slow' })).toEqual({ differ: 'slow' });
  });
});

describe('a box', () => {
  it('comes back as it was written', () => {
    expect(boxToText(box)).toBe(text);
    expect(boxFromText(text)).toEqual(box);
  });

  it.each([undefined, '', '~~~', 'a~b~1~2', text.replace('1000000', '-1'), text.replace('134217728', '5')])(
    'is none where %j is written',
    (broken) => expect(boxFromText(broken)).toBeUndefined(),
  );

  it('holds what begins in it, and not what begins where it ends', () => {
    expect(inBox(box)).toEqual([
      { field: 'time', operator: 'gte', value: '2026-11-23T10:00:00.000000000Z' },
      { field: 'time', operator: 'lt', value: '2026-11-23T10:05:00.000000000Z' },
      { field: 'duration', operator: 'gte', value: 1_000_000 },
      { field: 'duration', operator: 'lt', value: 134_217_728 },
    ]);
  });
});
