// The order of the services table.

import type { Service } from '../../api/model';

export const columns = ['name', 'rate', 'errors', 'p50', 'p95', 'p99', 'spans'] as const;
export type Column = (typeof columns)[number];

export interface Order {
  by: Column;
  descending: boolean;
}

const figure: Readonly<Record<Exclude<Column, 'name'>, (service: Service) => number>> = {
  rate: (s) => s.red.rate,
  errors: (s) => s.red.errorRate,
  p50: (s) => s.red.p50,
  p95: (s) => s.red.p95,
  p99: (s) => s.red.p99,
  spans: (s) => s.spans,
};

export function sortServices(services: readonly Service[], { by, descending }: Order): Service[] {
  const byName = (a: Service, b: Service) => a.name.localeCompare(b.name) || a.namespace.localeCompare(b.namespace);
  const compare =
    by === 'name' ? byName : (a: Service, b: Service) => figure[by](a) - figure[by](b) || -byName(a, b) * sign;
  const sign = descending ? 1 : -1;
  return services.toSorted((a, b) => (descending ? -compare(a, b) : compare(a, b)));
}

/** A click on a column: figures begin with the greatest, names with A; a second click turns the order. */
export function nextOrder(order: Order, by: Column): Order {
  return order.by === by ? { by, descending: !order.descending } : { by, descending: by !== 'name' };
}

/** "-rate" is descending by rate; what cannot be read is by name. */
export function orderFromText(text: string | undefined): Order {
  const descending = text?.startsWith('-') ?? false;
  const by = columns.find((c) => c === text?.replace(/^-/, ''));
  return by === undefined ? { by: 'name', descending: false } : { by, descending };
}

export const orderToText = (order: Order): string => (order.descending ? `-${order.by}` : order.by);
