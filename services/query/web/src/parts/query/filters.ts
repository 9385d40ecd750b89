import { useMemo } from 'react';
import type { Filter } from '../../api/endpoints';
import type { Signal } from '../../api/model';
import type { Grammar } from '../../filter/grammar';
import { anywhere, readQuery, type Query } from '../../filter/query';
import { useQueryText } from '../../route/query';
import type { Asked } from '../answer';
import { useGrammar } from '../grammar';

/** The filters of the page, and whether the address has any. */
export interface Filters extends Asked<readonly Filter[]> {
  any: boolean;
  clear: () => void;
}

/**
 * The filters that the address asks for. Not known until it is known what can be asked, and not at all where the query cannot
 * be read: a part of a question is another question.
 */
export function useFilters(signal: Signal): Filters {
  const { text, anywhere: wide, set } = useQueryText();
  const grammar = useGrammar(signal);
  const query = useReading(text, grammar.data);
  const filters = useMemo(() => {
    if (text.trim() === '') return [];
    return query?.ok === true ? (wide ? anywhere(query.filters) : query.filters) : undefined;
  }, [text, query, wide]);
  const error = useMemo(
    () => (query?.ok === false ? new Error(`This query cannot be read: ${query.problem.message}`) : grammar.error),
    [query, grammar.error],
  );
  return {
    data: filters,
    answer: undefined,
    error,
    ...(query?.ok === false || grammar.retry === undefined ? {} : { retry: grammar.retry }),
    any: text.trim() !== '',
    clear: () => set(''),
  };
}

/** What becomes of a text; undefined until it is known what can be asked. */
export const useReading = (text: string, grammar: Grammar | undefined): Query | undefined =>
  useMemo(() => (grammar === undefined ? undefined : readQuery(text, grammar)), [text, grammar]);
