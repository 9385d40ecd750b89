// What the page of the map shows, and what it asks about a node or an edge of it.

import type { Filter } from '../../api/endpoints';
import type { MapEdge, MapNode } from '../../api/model';
import { compact, one } from '../../route/search';
import { choiceSearch, type ServicesSearch } from '../services/services';

export interface MapSearch extends Pick<ServicesSearch, 'namespace' | 'own'> {
  node?: string;
  edge?: string;
  find?: string;
  /** Whether a frame is around the nodes of each namespace. */
  group?: 'namespace';
  /** From where it is looked at, see view.ts. */
  at?: string;
}

export const mapSearch = (search: Record<string, unknown>): MapSearch => ({
  ...choiceSearch(search),
  ...compact({
    node: one(search, 'node'),
    edge: one(search, 'edge'),
    find: one(search, 'find'),
    group: one(search, 'group') === 'namespace' ? ('namespace' as const) : undefined,
    at: one(search, 'at'),
  }),
});

/** Whether a node sends spans of its own. */
export const sends = (node: Pick<MapNode, 'type'>): boolean => node.type === 'service' || node.type === 'browser';

/** An edge in the address: ids of nodes are escaped, and no blank is in them. */
export const edgeKey = ({ source, target }: Pick<MapEdge, 'source' | 'target'>): string => `${source} ${target}`;

/** The nodes whose name has the text in it, whatever the case: what is called exactly so comes first. */
export function found(nodes: readonly MapNode[], text: string | undefined): MapNode[] {
  const wanted = text?.trim().toLowerCase() ?? '';
  if (wanted === '') return [];
  const named = nodes.filter(({ name, system }) => `${name} ${system}`.toLowerCase().includes(wanted));
  return named.toSorted((a, b) => Number(b.name.toLowerCase() === wanted) - Number(a.name.toLowerCase() === wanted));
}

/**
 * What the spans of the calls of an edge meet. Between two services it is the span of the called one whose parent is of the
 * caller; what sends no spans is named by that of the other side. Undefined where spans cannot be found by a name.
 */
export function edgeFilters(source: MapNode, target: MapNode): Filter[] | undefined {
  if (source.filters.length === 0 || target.filters.length === 0) return undefined;
  if (sends(source) && sends(target)) return [...target.filters, { relation: 'parent', filters: source.filters }];
  return [...source.filters, ...target.filters];
}
