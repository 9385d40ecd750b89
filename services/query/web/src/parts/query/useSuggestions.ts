import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { getFacets, listAttributeKeys, listFieldValues, type Filter } from '../../api/endpoints';
import type { CountedValue, Signal } from '../../api/model';
import type { Completing } from '../../filter/complete';
import { targetsOf, type Grammar, type Target } from '../../filter/grammar';
import { filterKey } from '../../filter/print';
import { useTimeRange } from '../../route/time';
import { rangeToSearch, resolveRange } from '../../time/range';
import { joinSuggestions, keySuggestions, operatorSuggestions, valueSuggestions, type Suggestion } from './suggest';

export interface Suggestions {
  items: readonly Suggestion[];
  asking: boolean;
  /** Why counts are not of all that there is. */
  incomplete: string | undefined;
}

/** What to offer where something is being written. `filters` are those in force: values are counted of what meets them. */
export function useSuggestions(
  at: Completing | undefined,
  signal: Signal,
  grammar: Grammar | undefined,
  filters: readonly Filter[],
): Suggestions {
  const expected = at?.expected;
  const [typed] = useDebouncedValue(at?.typed ?? '', 150);
  const keys = useKeys(signal, expected?.what === 'condition');
  const targets = expected?.what === 'value' && grammar !== undefined ? targetsOf(expected.key, grammar) : [];
  const values = useValues(signal, targets, typed, filters);
  const items = useMemo((): readonly Suggestion[] => {
    if (at === undefined || grammar === undefined) return [];
    switch (at.expected.what) {
      case 'condition':
        return keySuggestions(at.typed, keys.data?.data ?? [], grammar);
      case 'operator':
        return operatorSuggestions(at.expected.key, at.typed, grammar);
      case 'value':
        return valueSuggestions(at, at.expected.key, values.data?.values ?? [], grammar);
      case 'join':
        return joinSuggestions(at.typed);
    }
  }, [at, grammar, keys.data, values.data]);
  const asked = expected?.what === 'value' ? values : expected?.what === 'condition' ? keys : undefined;
  return {
    items,
    asking: asked?.isFetching === true,
    incomplete:
      expected?.what === 'value'
        ? values.data?.incomplete
        : expected?.what === 'condition'
          ? keys.data?.incomplete
          : undefined,
  };
}

/** The keys of attributes in the page's range, at most a minute old. */
export function useKeys(signal: Signal, enabled: boolean) {
  const range = useTimeRange();
  return useQuery({
    queryKey: ['attribute-keys', signal, rangeToSearch(range)],
    queryFn: ({ signal: abort }) => listAttributeKeys(signal, resolveRange(range, Date.now()), '', abort),
    staleTime: 60_000,
    enabled,
    placeholderData: (previous) => previous,
  });
}

/**
 * Whether all conditions of a filter are about these fields: they would leave the one value that they ask for. A bare key and
 * a number are several conditions in one.
 */
export function isAboutAny(filter: Filter, names: readonly string[]): boolean {
  if ('relation' in filter) return false;
  if ('field' in filter) return names.includes(filter.field);
  const parts = 'and' in filter ? filter.and : 'or' in filter ? filter.or : filter.not;
  return parts.every((part) => isAboutAny(part, names));
}

/** The values of all that a key may mean. */
function useValues(signal: Signal, targets: readonly Target[], typed: string, filters: readonly Filter[]) {
  const range = useTimeRange();
  const names = targets.map(({ name }) => name);
  const others = filters.filter((filter) => !isAboutAny(filter, names));
  return useQuery({
    queryKey: ['field-values', signal, names, typed, filterKey(others), rangeToSearch(range)],
    queryFn: async ({ signal: abort }) => {
      const bounds = resolveRange(range, Date.now());
      const answers = await Promise.all(
        targets.map(({ name, field }) => valuesOf(signal, name, field.kind === 'enum', typed, others, bounds, abort)),
      );
      return {
        values: answers.flatMap((a) => a.values).toSorted((a, b) => b.count - a.count),
        incomplete: answers.find((a) => a.incomplete !== undefined)?.incomplete,
      };
    },
    enabled: targets.length > 0 && targets.every(({ field }) => hasValues(field.kind)),
    staleTime: 30_000,
    placeholderData: (previous, query) =>
      JSON.stringify(query?.queryKey[2]) === JSON.stringify(names) ? previous : undefined,
  });
}

/** Lengths and points of time have as many values as there are items. */
const hasValues = (kind: Target['field']['kind']): boolean => kind !== 'duration' && kind !== 'time';

/** By facets, where those tell names for numbers; they do not know what is typed. */
async function valuesOf(
  signal: Signal,
  field: string,
  named: boolean,
  typed: string,
  filters: readonly Filter[],
  bounds: Parameters<typeof getFacets>[4],
  abort: AbortSignal,
): Promise<{ values: readonly CountedValue[]; incomplete: string | undefined }> {
  if (named) {
    const answer = await getFacets(signal, [field], 100, filters, bounds, abort);
    return { values: answer.data[0]?.values ?? [], incomplete: answer.incomplete };
  }
  const answer = await listFieldValues(signal, field, typed, filters, bounds, abort);
  return { values: answer.data, incomplete: answer.incomplete };
}
