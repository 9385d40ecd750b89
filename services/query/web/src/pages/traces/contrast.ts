// What is compared with what, and how what differs is told.

import type { Condition } from '../../api/endpoints';
import type { Comparison, DifferingValue, Figures, SpanKind } from '../../api/model';
import { valueText } from '../../parts/value';
import { formatDuration } from '../../time/duration';
import { formatClock } from '../../time/instant';
import { placeOf, type Basis } from './figures';
import { inBox, type Box, type Difference } from './view';

/** Two sets of spans; the baseline is all others where it is not given. */
export interface Compared {
  selected: readonly Condition[];
  baseline?: readonly Condition[];
  /** What each is called. */
  these: string;
  those: string;
  /** Fields that differ because they are what is selected by. */
  own: readonly string[];
}

/** The two sets of a difference; undefined while it is not known where the one ends, or where there is no box. */
export function compared(
  differ: Difference | undefined,
  basis: Basis,
  box: Box | undefined,
  figures: Figures | undefined,
): Compared | undefined {
  switch (differ) {
    case undefined:
      return undefined;
    case 'box':
      if (box === undefined) return undefined;
      return {
        selected: inBox(box),
        these: `${basis.many} of ${boxLabel(box)}`,
        those: 'all others',
        own: [],
      };
    case 'errors':
      return {
        selected: [{ field: 'status', operator: 'eq', value: 'error' }],
        these: `${basis.many} that failed`,
        those: 'those that did not',
        own: ['status'],
      };
    case 'slow': {
      const p95 = figures?.total.figures[placeOf('p95')];
      const p50 = figures?.total.figures[placeOf('p50')];
      if (p95 === undefined || p50 === undefined) return undefined;
      return {
        selected: [{ field: 'duration', operator: 'gte', value: p95 }],
        baseline: [{ field: 'duration', operator: 'lte', value: p50 }],
        these: `${basis.many} of ${formatDuration(p95)} and more (p95)`,
        those: `those of ${formatDuration(p50)} and less (median)`,
        own: [],
      };
    }
  }
}

/** "14:03:00 – 14:05:00, 1.02 s to 1.5 s". */
export const boxLabel = ({ from, to, shortest, longest }: Box): string =>
  `${formatClock(from, 0)} – ${formatClock(to, 0)}, ${formatDuration(shortest)} to ${formatDuration(longest)}`;

/** A value that differs, with the parts of both sets that have it. */
export interface Told {
  /** Unique among those of an answer. */
  id: string;
  of: DifferingValue;
  /** As people write it. */
  text: string;
  /** From 0 to 1. */
  selected: number;
  baseline: number;
}

const kinds: readonly SpanKind[] = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'];
const statuses = ['unset', 'ok', 'error'];

export function differing({ values, selected, baseline }: Comparison, own: readonly string[]): Told[] {
  return values
    .filter(({ field }) => !own.includes(field))
    .map((of) => ({
      id: JSON.stringify([of.field, of.value.type, valueText(of.value)]),
      of,
      text: named(of),
      selected: selected === 0 ? 0 : of.selected / selected,
      baseline: baseline === 0 ? 0 : of.baseline / baseline,
    }));
}

/** Kinds and statuses come as their numbers. */
function named({ field, value }: DifferingValue): string {
  const names = field === 'kind' ? kinds : field === 'status' ? statuses : undefined;
  return (value.type === 'int' ? names?.[Number(value.value)] : undefined) ?? valueText(value);
}
