import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { listFields } from '../api/endpoints';
import type { Signal } from '../api/model';
import { grammarOf, type Grammar } from '../filter/grammar';
import type { Asked } from './answer';

/** What may be typed as a condition on a signal's items. Asked once: the server's fields are the same until it is replaced. */
export function useGrammar(signal: Signal): Asked<Grammar> {
  const query = useQuery({
    queryKey: ['fields'],
    queryFn: ({ signal: abort }) => listFields(abort),
    staleTime: Infinity,
    gcTime: Infinity,
  });
  const grammar = useMemo(
    () => (query.data === undefined ? undefined : grammarOf(query.data, signal)),
    [query.data, signal],
  );
  return { data: grammar, answer: undefined, error: query.error, retry: () => void query.refetch() };
}
