import { describe, expect, it } from 'vitest';
import { columnsOf, columnsToSearch, defaultColumns, logView, recordFromText, recordToText } from './view';

describe('the address of the page of logs', () => {
  it('says how records are shown, and nothing of what it cannot read', () => {
    const search = { view: 'live', column: ['attributes.a', 'service'], wrap: 'on', order: 'oldest', record: '7.1:99' };
    expect(logView(search)).toEqual(search);
    expect(logView({ view: 'x', wrap: '1', order: 'newest', record: '7:99' })).toEqual({});
    expect(logView({ column: Array.from({ length: 40 }, (_, i) => `a${i}`) }).column).toHaveLength(12);
  });

  it('tells no columns from none chosen', () => {
    expect(columnsOf({})).toEqual(defaultColumns);
    expect(columnsToSearch(defaultColumns)).toBeUndefined();
    const none = columnsToSearch([])!;
    expect(columnsOf({ column: none })).toEqual([]);
    expect(columnsOf({ column: ['b', 'a', 'b'] })).toEqual(['b', 'a']);
    expect(columnsToSearch(['__proto__'])).toEqual(['__proto__']);
  });

  it('names a record with its time, to the nanosecond', () => {
    const record = { id: '4711.12', time: 1795428900060000001n };
    expect(recordToText(record)).toBe('4711.12:1795428900060000001');
    expect(recordFromText(recordToText(record))).toEqual(record);
    expect(recordFromText('4711.12')).toBeUndefined();
    expect(recordFromText(undefined)).toBeUndefined();
  });
});
