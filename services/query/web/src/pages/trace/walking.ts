// Where a trace stands in the list that it was opened from, and what is before and after it.

import type { TraceSummary } from '../../api/model';
import type { Items } from '../../parts/paged';

/** A neighbour in the list: a trace, or why there is none to go to. */
export interface Place {
  traceId: string | undefined;
  why: string;
}

export interface Walked {
  /** Undefined where the list has not got it. */
  at: number | undefined;
  before: Place;
  after: Place;
  /** "3 of 100+": how many there are where all are known. */
  text: string;
}

const none = (why: string): Place => ({ traceId: undefined, why });

export function walkFrom(
  list: Items<Pick<TraceSummary, 'traceId'>>,
  traceId: string,
  { hasMore, cut }: { hasMore: boolean; cut: boolean },
): Walked {
  let at: number | undefined;
  for (let i = 0; at === undefined && i < list.length; i++) if (list.at(i)?.traceId === traceId) at = i;
  const count = list.length.toLocaleString('en-US') + (hasMore || cut ? '+' : '');
  if (at === undefined) {
    const why = `This trace is not among the ${count} that the list has now`;
    return { at, before: none(why), after: none(why), text: `not in the list of ${count}` };
  }
  const there = (index: number): Place => {
    const trace = list.at(index);
    return trace === undefined ? none('It is being asked for') : { traceId: trace.traceId, why: '' };
  };
  const end = hasMore
    ? 'It is being asked for'
    : cut
      ? 'The list was cut here: more may exist'
      : 'This is the last trace of the list';
  return {
    at,
    before: at === 0 ? none('This is the first trace of the list') : there(at - 1),
    after: at + 1 < list.length ? there(at + 1) : none(end),
    text: `${(at + 1).toLocaleString('en-US')} of ${count}`,
  };
}
