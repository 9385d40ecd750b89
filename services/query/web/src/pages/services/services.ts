// What the list of services shows: which of them, in what order, and what they come to.

import type { Service } from '../../api/model';
import { compact, one } from '../../route/search';

export interface ServicesSearch {
  /** A column, as parts/columns.ts writes orders. */
  sort?: string;
  /** Part of a name or namespace. */
  find?: string;
  namespace?: string;
  /** Present where ollyScale's own telemetry is shown as well. */
  own?: '1';
}

/** What is chosen on one page about services is chosen on the others. */
export function choiceSearch(search: Record<string, unknown>): Pick<ServicesSearch, 'namespace' | 'own'> {
  const own = one(search, 'own') === '1' ? ('1' as const) : undefined;
  return compact({ namespace: one(search, 'namespace'), own });
}

export const servicesSearch = (search: Record<string, unknown>): ServicesSearch => ({
  ...choiceSearch(search),
  ...compact({ sort: one(search, 'sort'), find: one(search, 'find') }),
});

/**
 * How much there is to gain by making a service quicker: how many of its requests would be under way at any moment if
 * each took its p95.
 */
export const impact = ({ red }: Pick<Service, 'red'>): number => (red.rate * red.p95) / 1e9;

/** Those whose name or namespace has the text in it, whatever the case. */
export function findServices(services: readonly Service[], text: string): readonly Service[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return services;
  return services.filter(({ name, namespace }) => `${namespace}/${name}`.toLowerCase().includes(wanted));
}

/** The namespaces of services, by name. */
export const namespacesOf = (services: readonly Pick<Service, 'namespace'>[]): string[] =>
  [...new Set(services.map((service) => service.namespace))].filter((name) => name !== '').sort();

export const keyOf = ({ name, namespace }: Pick<Service, 'name' | 'namespace'>): string =>
  JSON.stringify([namespace, name]);
