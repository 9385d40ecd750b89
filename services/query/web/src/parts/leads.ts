// Where figures lead to: the lists of what they were made of, as the addresses of those lists say it.

import { quote } from '../filter/print';

interface Traces {
  service: string;
  /** Undefined: all in which the name occurs. */
  namespace?: string | undefined;
  operation?: string;
  /** Only by the spans by which it was called, which figures of requests are of. */
  called?: boolean;
  /** Only those in which a span of it failed. */
  failed?: boolean;
  /** Those that took longest come first. */
  slowest?: boolean;
  /** Resource attributes of its spans; what is empty is not asked for. */
  resource?: readonly (readonly [key: string, value: string])[];
}

const is = (key: string, value: string | undefined): string[] =>
  value === undefined || value === '' ? [] : [`${key} = ${quote(value)}`];

const service = (of: Pick<Traces, 'service' | 'namespace'>): string[] => [
  ...is('service', of.service),
  ...is('namespace', of.namespace),
];

/** What a service logged or measured, as the search of a list: its log records from a severity on, or its metrics. */
export const sentBy = (of: Pick<Traces, 'service' | 'namespace'>, severity?: string): { q: string } => ({
  q: [...service(of), ...(severity === undefined ? [] : [`severity >= ${severity}`])].join(' and '),
});

/** The list of traces with spans of a service, as the search of /traces. */
export function tracesOf(of: Traces): { q: string; sort?: string } {
  const conditions = [
    ...service(of),
    ...is('name', of.operation),
    ...(of.called === true ? ['kind in (server, consumer)'] : []),
    ...(of.resource ?? []).flatMap(([key, value]) => is(`resource.${key}`, value)),
    ...(of.failed === true ? ['status = error'] : []),
  ];
  return { q: conditions.join(' and '), ...(of.slowest === true ? { sort: '-duration' } : {}) };
}
