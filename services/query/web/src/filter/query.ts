// A query: its text, and what becomes of it.

import type { Filter } from '../api/endpoints';
import type { Grammar } from './grammar';
import { means } from './mean';
import { parse } from './parse';
import { Unreadable, type Mark, type Problem, type Tree } from './tree';

export type Query =
  | { ok: true; tree: Tree | undefined; filters: readonly Filter[]; marks: readonly Mark[] }
  | { ok: false; problem: Problem; marks: readonly Mark[] };

/** Reads a query to the end: its filters, all of which must hold, or what is wrong and where. */
export function readQuery(text: string, grammar: Grammar): Query {
  const parsed = parse(text, grammar);
  if (!parsed.ok) return parsed;
  const { tree, marks } = parsed;
  try {
    return { ok: true, tree, filters: tree === undefined ? [] : means(tree, grammar), marks };
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, problem: error.problem, marks };
    throw error;
  }
}

/**
 * Filters of which each need only hold somewhere in the trace: the first for the span that is listed, the others for any of
 * its trace. In figures too, which know no other way to say so.
 */
export const anywhere = (filters: readonly Filter[]): readonly Filter[] =>
  filters.map((filter, i) => (i === 0 || 'relation' in filter ? filter : { relation: 'trace', filters: [filter] }));

/** What figures of spans can be asked for: not about other spans of a trace. `less` where some filters are. */
export function ownFilters(filters: readonly Filter[]): { own: readonly Filter[]; less: boolean } {
  const own = filters.filter((filter) => !isRelated(filter));
  return { own, less: own.length < filters.length };
}

function isRelated(filter: Filter): boolean {
  if ('relation' in filter) return true;
  if ('and' in filter) return filter.and.some(isRelated);
  if ('or' in filter) return filter.or.some(isRelated);
  return 'not' in filter && filter.not.some(isRelated);
}
