// What the page says of the whole range: which spans it is about, what is asked of them, and what the head of the page makes of it.

import type { Filter, Measure } from '../../api/endpoints';
import type { Answer, Figures } from '../../api/model';
import { ownFilters } from '../../filter/query';
import { countText, lookedAt } from '../../parts/figureTexts';
import { formatPercent, formatRate, plural } from '../../parts/number';
import { formatDuration } from '../../time/duration';
import type { Bounds } from '../../time/range';

/** The spans that figures are of. */
export interface Basis {
  filters: readonly Filter[];
  /** What one is called, and many. */
  one: string;
  many: string;
  /** They are not all that the query finds. */
  part?: true;
  /** A condition as typed that finds them, where the filters of the page alone do not. */
  typed: string | undefined;
}

/**
 * Figures are of the spans that meet the filters: those by which the list finds its traces. Without filters these would be
 * all spans, so that each trace would count as often as it has spans: then they are of the roots, one for each trace.
 * Undefined where figures of spans can tell nothing of the query: all of it is about other spans of the trace.
 */
export function basisOf(filters: readonly Filter[], tab: 'spans' | undefined): Basis | undefined {
  const { own, less } = ownFilters(filters);
  // Figures without a filter would be of all spans, of which none need have to do with the query.
  if (less && own.length === 0) return undefined;
  // What is asked of other spans of a trace, figures of spans cannot tell: they are of those that meet the rest.
  if (less)
    return {
      filters: own,
      one: 'span that matches by itself',
      many: 'spans that match by themselves',
      part: true,
      typed: undefined,
    };
  if (filters.length > 0) return { filters, one: 'matching span', many: 'matching spans', typed: undefined };
  if (tab === 'spans') return { filters, one: 'span', many: 'spans', typed: undefined };
  return {
    filters: [{ field: 'root', operator: 'eq', value: true }],
    one: 'root span',
    many: 'root spans',
    typed: 'root=true',
  };
}

/** Each figure of the strip, and where it stands among the figures of an answer. */
const measured = ['count', 'errors', 'rate', 'p50', 'p95'] as const;
export const stripMeasures: readonly Measure[] = measured.map((measure) =>
  measure === 'p50' || measure === 'p95' ? { measure, field: 'duration' } : { measure },
);
export const placeOf = (measure: (typeof measured)[number]): number => measured.indexOf(measure);

export interface Headline {
  /** "14,382 traces"; undefined until they are counted. */
  count: string | undefined;
  rate: string;
  errors: string;
  anyErrors: boolean;
  p95: string | undefined;
  /** What rate, errors and p95 are of. */
  over: string;
}

/** The first line of the page. `traces` is the answer to how many traces there are; undefined where spans are listed. */
export function headline(
  figures: Answer<Figures>,
  basis: Basis,
  bounds: Bounds,
  traces: Answer<Figures> | undefined,
  ofSpans: boolean,
): Headline {
  const { total } = figures.data;
  const figure = (measure: (typeof measured)[number]) => total.figures[placeOf(measure)];
  const p95 = figure('p95');
  const errors = figure('errors') ?? 0;
  const part = lookedAt(figures, bounds);
  return {
    count: ofSpans
      ? countText(figures, basis.one, basis.many)
      : traces === undefined
        ? undefined
        : countText(traces, 'trace', 'traces'),
    rate: formatRate(figure('rate') ?? 0),
    errors: formatPercent(total.items === 0 ? 0 : errors / total.items),
    anyErrors: errors > 0,
    p95: p95 === undefined ? undefined : formatDuration(p95),
    over: ofSpans ? `over ${part}` : `of ${plural(total.items, basis.one, basis.many)} over ${part}`,
  };
}
