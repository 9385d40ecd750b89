import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Answer } from '../api/model';
import { useTimeRange } from '../route/time';
import { rangeToSearch, resolveRange, type Bounds } from '../time/range';
import { useKept } from './kept';
import { useHoldRefresh, useRefresh } from './refresh';

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
  /** Waits no more for it. */
  cancel?: () => void;
  /** Whether nobody waits for it any more. */
  cancelled?: boolean;
}

/**
 * One answer about the time range in the address, asked anew at each refresh, though not sooner than `rest` milliseconds after the last
 * one; the old one stays until the new one is there.
 */
export function useAnswer<T>(
  key: readonly string[],
  ask: (bounds: Bounds, signal: AbortSignal) => Promise<Answer<T>>,
  enabled = true,
  rest = 0,
): Asked<T> & { bounds: Bounds | undefined; at: number } {
  const range = useTimeRange();
  const { tick } = useRefresh();
  const client = useQueryClient();
  const name = JSON.stringify(key); // names have blanks in them
  const question = JSON.stringify([name, rangeToSearch(range)]);
  const queryKey = rest === 0 ? [name, question, tick] : [name, question];
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      const bounds = resolveRange(range, Date.now());
      return { ...(await ask(bounds, signal)), bounds, at: Date.now(), question };
    },
    placeholderData: (previous, previousQuery) => (previousQuery?.queryKey[0] === name ? previous : undefined),
    staleTime: rest === 0 ? Infinity : rest,
    gcTime: 60_000,
    enabled,
  });
  useEffect(() => {
    // What is under way goes on: an answer that takes longer than a refresh would never come.
    const which = { queryKey: [name, question], exact: true, type: 'active', stale: true } as const;
    if (rest > 0) void client.refetchQueries(which, { cancelRefetch: false });
  }, [client, name, question, rest, tick]);
  const data = useKept(query.data, question, questionOf);
  const cancelled = enabled && query.isPending && query.fetchStatus === 'idle';
  useHoldRefresh(cancelled ? 'it was cancelled' : undefined);
  return {
    data: data?.data,
    answer: data,
    bounds: data?.bounds,
    /** When it came, in milliseconds: ages are as of then. 0 until it has. */
    at: data?.at ?? 0,
    error: query.error,
    stale: data !== undefined && data.question !== question,
    retry: () => void query.refetch(),
    cancel: () => void client.cancelQueries({ queryKey, exact: true }),
    cancelled,
  };
}

const questionOf = ({ question }: { question: string }) => question;

/** What was asked, as text to tell questions apart; bigints too, which JSON has no way to write. */
export const asText = (asked: unknown): string =>
  JSON.stringify(asked, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
