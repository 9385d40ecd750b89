// What the page of a service asks, and what it makes of the answers.

import type { Filter, Measure, ServiceName } from '../../api/endpoints';
import type { Figures, Instance, InstanceList, Service, Timeline } from '../../api/model';
import type { Layer } from '../../parts/chartLayout';
import { bucketRates } from '../../parts/timeline';
import { compact, one } from '../../route/search';
import { instantToMillis, type Instant } from '../../time/instant';
import type { Bounds } from '../../time/range';

export interface ServicePageSearch {
  namespace?: string;
  /** The order of the operations. */
  sort?: string;
}

export const servicePageSearch = (search: Record<string, unknown>): ServicePageSearch =>
  compact({ namespace: one(search, 'namespace'), sort: one(search, 'sort') });

/** What is of the service, of any signal. */
export const ofService = ({ name, namespace }: ServiceName): Filter[] => [
  { field: 'service', operator: 'eq', value: name },
  ...(namespace === undefined ? [] : [{ field: 'namespace', operator: 'eq', value: namespace } as const]),
];

/** Its requests: the spans by which it was called, and where there are none all its spans. */
export const requestsOf = (service: ServiceName, basis: Service['basis']): Filter[] =>
  basis === 'all'
    ? ofService(service)
    : [...ofService(service), { field: 'kind', operator: 'in', value: ['server', 'consumer'] }];

/** Each figure of requests, in the order in which it is asked for. */
const figures = ['count', 'errors', 'p50', 'p95', 'p99'] as const;
type FigureName = (typeof figures)[number];

export const redMeasures: readonly Measure[] = figures.map((measure) =>
  measure.startsWith('p') ? { measure, field: 'duration' } : { measure },
);

/** A figure of requests by bucket; undefined where nothing is told. */
const series = ({ total }: Figures, name: FigureName) => total.series[figures.indexOf(name)] ?? [];

/** Requests a second, those that went well and those that failed upon them. */
export function rateLayers(answer: Figures, timeline: Timeline): Layer[] {
  const counts = series(answer, 'count').map((count) => count ?? 0);
  const errors = series(answer, 'errors').map((count) => count ?? 0);
  const good = counts.map((count, i) => count - (errors[i] ?? 0));
  const layer = (label: string, colour: string, of: number[]): Layer => ({
    label,
    colour,
    values: bucketRates(of, timeline, answer.covered),
  });
  return [layer('ok', 'var(--volume)', good), layer('failed', 'var(--error)', errors)];
}

/** The quantiles of durations, in nanoseconds. */
export const durationLayers = (answer: Figures): Layer[] =>
  (
    [
      ['p99', 'var(--volume)'],
      ['p95', 'var(--volume-strong)'],
      ['p50', 'var(--ink-3)'],
    ] as const
  ).map(([name, colour]) => ({ label: name, colour, values: series(answer, name) }));

/** How long after the beginning of a range a version must have come for it to have come in the range: a part of it. */
const leastPart = 0.02;

/** The versions that came in the range, each where it was seen first. */
export function newVersions({ versions }: InstanceList, bounds: Bounds): { at: Instant; label: string }[] {
  const from = instantToMillis(bounds.from);
  const least = from + (instantToMillis(bounds.to) - from) * leastPart;
  return versions
    .filter(({ version, firstSeen }) => version !== '' && instantToMillis(firstSeen) > least)
    .map(({ version, firstSeen }) => ({ at: firstSeen, label: version }));
}

/** What tells an instance from the others: the most telling of what its sender says; empty where that is nothing. */
export const nameOf = ({ id, pod, host }: Pick<Instance, 'id' | 'pod' | 'host'>): string => id || pod || host;
