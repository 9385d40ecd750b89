// What two traces side by side tell.

import type { ComparedSpans } from '../../api/model';

/** The part of a duration by which the other must differ, and nanoseconds: what is less is the weather. */
const part = 0.25;
const least = 1_000_000;

/** How much longer a span of B took than that of A, in nanoseconds; undefined where one of them is not there. */
export const changeOf = ({ a, b }: ComparedSpans): number | undefined =>
  a === undefined || b === undefined ? undefined : b.duration - a.duration;

/** Whether something is to be seen: only one of them has it, only one failed, or it took longer or less by a quarter and a millisecond. */
export function differs(pair: ComparedSpans): boolean {
  const { a, b } = pair;
  if (a === undefined || b === undefined) return true;
  if ((a.status === 'error') !== (b.status === 'error')) return true;
  const change = Math.abs(b.duration - a.duration);
  return change >= least && change >= part * Math.min(a.duration, b.duration);
}

/** Nanoseconds from the start of the roots to the last end of any span. */
export function lengthOf(spans: readonly ComparedSpans[]): number {
  let length = 1;
  for (const { a, b } of spans) {
    for (const span of [a, b]) if (span !== undefined) length = Math.max(length, span.offset + span.duration);
  }
  return length;
}

/** The id of a trace in what somebody pastes: the id, an address of it, a traceparent. */
export function traceIdIn(text: string): string | undefined {
  return /(?:^|[^0-9a-f])([0-9a-f]{32})(?:[^0-9a-f]|$)/i.exec(text)?.[1]?.toLowerCase();
}
