import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, use, useEffect, useRef, type ReactNode } from 'react';
import { observe } from '../api/endpoints';
import { isAway, standingAfter, type Standing } from './trouble';

/** How often it is looked how the server stands, in milliseconds: while all is well, and while something is not. */
const calm = 10_000;
const watchful = 2_000;

const StandingContext = createContext<Standing | undefined>(undefined);

/** What is known of how the server and its database stand; undefined until somebody has looked. */
export const useStanding = (): Standing | undefined => use(StandingContext);

/** Looks how the server stands, while somebody looks at the page. What could not be had while it was away is asked for once it is back. */
export function StandingProvider({ children }: { children: ReactNode }) {
  const { data: standing } = useQuery({
    queryKey: standingKey,
    queryFn: async ({ client, signal }) =>
      standingAfter(client.getQueryData<Standing>(standingKey), await observe(signal), Date.now()),
    refetchInterval: ({ state }) => (state.data?.trouble === undefined ? calm : watchful),
    staleTime: Infinity,
    retry: false,
  });
  useAskAgain(isAway(standing));
  return <StandingContext value={standing}>{children}</StandingContext>;
}

/** A failure for which the server may be the reason is a reason to look. */
export const standingKey = ['standing'];

function useAskAgain(away: boolean) {
  const client = useQueryClient();
  const was = useRef(away);
  useEffect(() => {
    if (was.current && !away)
      void client.refetchQueries({ type: 'active', predicate: ({ state }) => state.status === 'error' });
    was.current = away;
  }, [away, client]);
}
