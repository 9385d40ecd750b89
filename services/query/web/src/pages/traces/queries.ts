// The questions of the head of the page. All of them are about the whole range.

import { compareItems, getFigures, type Filter } from '../../api/endpoints';
import type { Comparison } from '../../api/model';
import { asText, useAnswer, type Asked } from '../../parts/answer';
import type { AskedFigures } from '../../parts/Figures';
import { stepFor } from '../../time/steps';
import type { Bounds } from '../../time/range';
import type { Compared } from './contrast';
import { stripMeasures, type Basis } from './figures';
import { heatMeasures } from './heat';

/** Rates, errors and durations over time, and of all of it. */
export const useStrip = (basis: Basis | undefined): AskedFigures =>
  useFigures('strip', basis?.filters, (filters, bounds, signal) =>
    getFigures({ bounds, filters, signal: 'traces', measures: stripMeasures, stepSeconds: stepFor(bounds) }, signal),
  );

/** Counts by duration over time; asked where `wanted`. */
export const useHeat = (basis: Basis | undefined, wanted: boolean): AskedFigures =>
  useFigures('heat', wanted ? basis?.filters : undefined, (filters, bounds, signal) =>
    getFigures({ bounds, filters, signal: 'traces', measures: heatMeasures, stepSeconds: stepFor(bounds) }, signal),
  );

/** All spans of all these traces are read for one number. */
const restOfCount = 60_000;

/** How many traces the list has on all its pages; asked where `wanted`, and once a minute at most. */
export const useTraceCount = (filters: readonly Filter[] | undefined, wanted: boolean): AskedFigures =>
  useFigures(
    'count',
    wanted ? filters : undefined,
    (of, bounds, signal) =>
      getFigures({ bounds, filters: of, signal: 'traces', of: 'traces', measures: [{ measure: 'count' }] }, signal),
    restOfCount,
  );

/** What tells one set of spans from another. */
export function useComparison(basis: Basis | undefined, compared: Compared | undefined): Asked<Comparison> {
  const known = basis !== undefined && compared !== undefined;
  return useAnswer(
    ['trace-differences', asText([basis?.filters, compared])],
    (bounds, signal) =>
      compareItems(
        {
          bounds,
          filters: basis?.filters ?? [],
          signal: 'traces',
          selected: compared?.selected ?? [],
          baseline: compared?.baseline,
          limit: 40,
        },
        signal,
      ),
    known,
  );
}

function useFigures(
  what: string,
  filters: readonly Filter[] | undefined,
  ask: (filters: readonly Filter[], bounds: Bounds, signal: AbortSignal) => ReturnType<typeof getFigures>,
  rest = 0,
): AskedFigures {
  return useAnswer(
    ['trace-figures', what, asText(filters ?? null)],
    (bounds, signal) => ask(filters ?? [], bounds, signal),
    filters !== undefined,
    rest,
  );
}
