// Where figures lead to: the lists of what they were made of, as the addresses of those lists say it.

import { quote } from '../filter/print';

interface Traces {
  service: string;
  /** Undefined: all in which the name occurs. */
  namespace?: string | undefined;
  operation?: string;
  /** Only those in which a span of it failed. */
  failed?: boolean;
  /** Those that took longest come first. */
  slowest?: boolean;
  /** Resource attributes of its spans; what is empty is not asked for. */
  resource?: readonly (readonly [key: string, value: string])[];
}

/** The list of traces with spans of a service, as the search of /traces. */
export function tracesOf(of: Traces): { q: string; sort?: string } {
  const is = (key: string, value: string | undefined) =>
    value === undefined || value === '' ? [] : [`${key} = ${quote(value)}`];
  const conditions = [
    ...is('service', of.service),
    ...is('namespace', of.namespace),
    ...is('name', of.operation),
    ...(of.resource ?? []).flatMap(([key, value]) => is(`resource.${key}`, value)),
    ...(of.failed === true ? ['status = error'] : []),
  ];
  return { q: conditions.join(' and '), ...(of.slowest === true ? { sort: '-duration' } : {}) };
}
