import { describe, expect, it } from 'vitest';
import { nextOrder, orderFromText, orderToText } from '../../parts/columns';
import { barOf, columnsBy, countOf, traceColumns } from './columns';
import { searchOrder } from './order';

const read = (text: string | undefined) => orderFromText(traceColumns, text);

describe('the order of traces', () => {
  it('is the newest first unless the address says otherwise', () => {
    expect(searchOrder(read(undefined))).toBeUndefined();
    expect(searchOrder(read('-nothing'))).toBeUndefined();
    expect(searchOrder(read('time'))).toEqual({ by: 'time', order: 'asc' });
    expect(searchOrder(read('-spans'))).toEqual({ by: 'span_count', order: 'desc' });
  });

  it('has one direction where the server has one', () => {
    const longest = nextOrder(traceColumns, read(undefined), 'duration');
    expect(orderToText(longest)).toBe('-duration');
    expect(orderToText(nextOrder(traceColumns, longest, 'duration'))).toBe('-duration');
    expect(searchOrder(read('errors'))).toEqual({ by: 'error_count', order: 'desc' });
    expect(orderToText(nextOrder(traceColumns, read(undefined), 'time'))).toBe('time');
  });
});

it('draws durations of all sizes so that they can be told apart', () => {
  expect([1, 1e5, 1e8, 1e11, 1e15].map(barOf)).toEqual([0.01, 0.01, 0.5, 1, 1]);
});

it('tells what the list goes by where that is not all of the trace', () => {
  expect(countOf(9, 40)).toBe('9 of 40');
  expect([countOf(40, 40), countOf(undefined, 40)]).toEqual([undefined, undefined]);
  const changed = columnsBy('spans').filter((column, i) => column !== traceColumns[i]);
  expect(changed.map(({ id }) => id)).toEqual(['spans']);
  expect(columnsBy('duration')).toEqual(traceColumns);
});
