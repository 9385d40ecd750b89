// How fresh what is on the screen is, by the clock. Pure.

import type { Answer } from '../api/model';
import { formatDuration } from '../time/duration';
import { formatClock, instantFromMillis } from '../time/instant';
import type { Bounds } from '../time/range';
import type { Standing } from './trouble';

export interface Freshness {
  tone: 'good' | 'plain' | 'warn' | 'bad';
  label: string;
}

interface Seen {
  answer: Answer<unknown>;
  standing: Standing | undefined;
  /** Seconds between refreshes that come by themselves; 0 where none come, be they off or held. */
  every: number;
  /** Milliseconds. */
  now: number;
}

/** How far behind, in milliseconds, an answer may be before it is worth a look. */
const late = 10_000;

/** How much later than it is due a refresh may come, in milliseconds. */
const grace = 5_000;

export function freshnessOf({ answer, standing, every, now }: Seen): Freshness {
  const trouble = standing === undefined ? undefined : awaySince(standing);
  if (trouble !== undefined) return { tone: 'bad', label: trouble };
  if (answer.incomplete !== undefined) return { tone: 'warn', label: partOf(answer) ?? 'Partial answer' };
  if (answer.completeness.lost !== undefined) return { tone: 'warn', label: 'Some was lost' };
  const { at } = answer;
  // Refreshes come by themselves, and lately none did.
  if (every > 0 && at !== undefined && now - at > 2 * every * 1000 + grace) {
    return { tone: 'warn', label: `Stale since ${clock(at)}` };
  }
  const lag = answer.completeness.lagMillis;
  if (lag === undefined) return { tone: 'plain', label: 'Lag unknown' };
  if (lag >= 1_000) {
    return { tone: lag > late ? 'warn' : 'good', label: `${formatDuration(Math.round(lag / 100) * 1e8)} behind` };
  }
  if (every === 0 && at !== undefined) return { tone: 'plain', label: `As of ${clock(at)}` };
  return { tone: 'good', label: 'Live' };
}

/** What is away, in the words of the badge. */
function awaySince({ trouble, since }: Standing): string | undefined {
  switch (trouble?.is) {
    case 'server':
      return `No answer since ${clock(since)}, retrying`;
    case 'database':
      return `Database away since ${clock(since)}, retrying`;
    case 'maintenance':
      return `Maintenance since ${clock(since)}`;
    default:
      return undefined;
  }
}

/** "3 of 5 h read", of figures that cover the newest part of their range. */
function partOf(answer: Answer<unknown> & { bounds?: Bounds | undefined }): string | undefined {
  const { since, bounds } = answer;
  if (since === undefined || bounds === undefined || since <= bounds.from || since >= bounds.to) return undefined;
  return `Partial: ${amounts(Number(bounds.to - since), Number(bounds.to - bounds.from))} read`;
}

/** "3 of 5 h": both in the unit of the greater. */
function amounts(part: number, whole: number): string {
  const [unit, size] = (
    [
      ['d', 86_400e9],
      ['h', 3_600e9],
      ['min', 60e9],
    ] as const
  ).find(([, s]) => whole >= 2 * s) ?? ['s', 1e9];
  const short = (nanos: number) => Number((nanos / size).toPrecision(2));
  return `${short(part)} of ${short(whole)} ${unit}`;
}

const clock = (millis: number): string => formatClock(instantFromMillis(millis), 0);
