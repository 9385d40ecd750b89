import { describe, expect, it } from 'vitest';
import { walkFrom } from './walking';

const list = ['a', 'b', 'c'].map((traceId) => ({ traceId }));
const whole = { hasMore: false, cut: false };

describe('walking along a list of traces', () => {
  it('goes to what stands before and after', () => {
    const walked = walkFrom(list, 'b', whole);
    expect([walked.before.traceId, walked.after.traceId, walked.text]).toEqual(['a', 'c', '2 of 3']);
  });

  it('says where the list ends, and whether more may exist', () => {
    expect(walkFrom(list, 'a', whole).before).toEqual({
      traceId: undefined,
      why: 'This is the first trace of the list',
    });
    expect(walkFrom(list, 'c', whole).after.why).toBe('This is the last trace of the list');
    expect(walkFrom(list, 'c', { hasMore: false, cut: true }).after.why).toBe('The list was cut here: more may exist');
    expect(walkFrom(list, 'c', { hasMore: true, cut: false })).toMatchObject({
      text: '3 of 3+',
      after: { traceId: undefined, why: 'It is being asked for' },
    });
  });

  it('waits for a neighbour that was forgotten', () => {
    const gaps = { length: 3, at: (i: number) => (i === 0 ? undefined : list[i]) };
    expect(walkFrom(gaps, 'b', whole).before).toEqual({ traceId: undefined, why: 'It is being asked for' });
  });

  it('does not pretend where the list has not got the trace', () => {
    expect(walkFrom(list, 'x', whole)).toMatchObject({ at: undefined, text: 'not in the list of 3' });
  });
});
