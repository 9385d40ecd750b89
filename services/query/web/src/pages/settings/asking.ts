import { useQuery, useQueryClient } from '@tanstack/react-query';
import type { Asked } from '../../parts/answer';
import { useRefresh } from '../../parts/refresh';

/** What is not of a time range: asked at each refresh, and anew when something of it was changed here. The old answer stays until then. */
export function useSetting<T>(
  name: readonly string[],
  ask: (signal: AbortSignal) => Promise<T>,
  enabled = true,
): Asked<T> & { changed: () => Promise<void>; at: number } {
  const { tick } = useRefresh();
  const client = useQueryClient();
  const query = useQuery<Named<T>>({
    queryKey: ['settings', ...name, tick],
    queryFn: ({ signal }) => ask(signal).then((is) => ({ name, is })),
    placeholderData: (before) => (before !== undefined && same(before.name, name) ? before : undefined),
    enabled,
    staleTime: Infinity,
    gcTime: 60_000,
  });
  return {
    data: query.data?.is,
    answer: undefined,
    error: query.error,
    retry: () => void query.refetch(),
    changed: () => client.invalidateQueries({ queryKey: ['settings', name[0]] }),
    at: query.dataUpdatedAt,
  };
}

interface Named<T> {
  name: readonly string[];
  is: T;
}

const same = (a: readonly string[], b: readonly string[]): boolean => JSON.stringify(a) === JSON.stringify(b);
