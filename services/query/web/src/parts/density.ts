import { preference, usePreference } from './preference';

export const densities = [
  { value: 'comfortable', label: 'Comfortable rows' },
  { value: 'compact', label: 'Compact rows' },
] as const;

export type Density = (typeof densities)[number]['value'];

/** How close the rows of lists stand, as it was chosen in this browser. */
export const density = preference<Density>(
  'density',
  (kept) => densities.find(({ value }) => value === kept)?.value ?? 'comfortable',
);

const heights: Readonly<Record<Density, number>> = { comfortable: 28, compact: 22 };

/** Pixels of a row of one line: of a trace, a log record, a span. */
export const useRowHeight = (): number => heights[usePreference(density)];
