import { useQuery } from '@tanstack/react-query';
import type { Answer } from '../api/model';
import { useTimeRange } from '../route/time';
import { rangeToSearch, resolveRange, type Bounds } from '../time/range';
import { useRefresh } from './refresh';

/** A question to the server and what is there of its answer. */
export interface Asked<T> {
  /** Undefined until there is something to show. */
  data: T | undefined;
  /** The answer that it is from, for its completeness. */
  answer: Answer<unknown> | undefined;
  error: Error | null;
  /** Whether what is there answers another question: other filters, another range. A refresh asks the same one. */
  stale?: boolean;
  retry?: () => void;
}

/** One answer about the time range in the address, asked anew at each refresh; the old one stays until the new one is there. */
export function useAnswer<T>(
  key: readonly string[],
  ask: (bounds: Bounds, signal: AbortSignal) => Promise<Answer<T>>,
  enabled = true,
): Asked<T> & { bounds: Bounds | undefined; at: number } {
  const range = useTimeRange();
  const { tick } = useRefresh();
  const name = key.join(' ');
  const query = useQuery({
    queryKey: [name, rangeToSearch(range), tick],
    queryFn: async ({ signal }) => {
      const bounds = resolveRange(range, Date.now());
      return { ...(await ask(bounds, signal)), bounds, at: Date.now() };
    },
    placeholderData: (previous, previousQuery) => (previousQuery?.queryKey[0] === name ? previous : undefined),
    staleTime: Infinity,
    gcTime: 60_000,
    enabled,
  });
  return {
    data: query.data?.data,
    answer: query.data,
    bounds: query.data?.bounds,
    /** When it came, in milliseconds: ages are as of then. 0 until it has. */
    at: query.data?.at ?? 0,
    error: query.error,
    retry: () => void query.refetch(),
  };
}

/** What was asked, as text to tell questions apart; bigints too, which JSON has no way to write. */
export const asText = (asked: unknown): string =>
  JSON.stringify(asked, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
