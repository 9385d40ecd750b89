// How much was logged, by severity and over time.

import type { FiguresAsked } from '../api/endpoints';
import type { FigureGroup, Figures } from '../api/model';
import type { Layer } from './chartLayout';
import { severities, severityColour, type SeverityName } from './severity';
import { bucketRates } from './timeline';

/** What has to be asked for of log records. */
export const bySeverityAsked = {
  signal: 'logs',
  measures: [{ measure: 'count' }, { measure: 'errors' }],
  groupBy: ['severity'],
} as const satisfies Partial<FiguresAsked>;

/** What was logged of one severity. */
export interface Severity {
  /** Of the six; undefined where the records tell none. */
  name: SeverityName | undefined;
  label: string;
  count: number;
  /** Records of each bucket, and so many a second. */
  counts: readonly number[];
  values: Layer['values'];
}

/** The least severe first, those without at the end. What is not told group by group is told as others. */
export function bySeverity({ timeline, covered, groups, other }: Figures): Severity[] {
  const told = (of: FigureGroup | undefined): Pick<Severity, 'count' | 'counts' | 'values'> => {
    const counts = (of?.series[0] ?? []).map((n) => n ?? 0);
    const values = timeline === undefined ? [] : bucketRates(counts, timeline, covered);
    return { count: of?.items ?? 0, counts, values };
  };
  const named = ({ values: [value] }: FigureGroup) =>
    value?.type === 'string' ? value.value.toLowerCase() : undefined;
  const list: Severity[] = severities.map(({ name, label }) => ({
    name,
    label,
    ...told(groups.find((of) => named(of) === name)),
  }));
  const rest = groups.filter((of) => !severities.some(({ name }) => name === named(of)));
  for (const of of rest) list.push({ name: undefined, label: 'No severity', ...told(of) });
  if (other !== undefined) list.push({ name: undefined, label: 'Others', ...told(other) });
  return list.filter(({ count }) => count > 0);
}

/** As they stand upon each other in a chart. */
export const severityLayers = (list: readonly Severity[]): Layer[] =>
  list.map(({ name, label, values }) => ({ label, colour: colourOf(name), values }));

export const colourOf = (name: SeverityName | undefined): string =>
  severityColour(severities.find((s) => s.name === name)?.from ?? 0);
