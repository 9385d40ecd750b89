import { useQuery } from '@tanstack/react-query';
import { getMe } from '../api/session';

/** The question who asks. It is asked before any other, once. */
export const useWhoAsks = () =>
  useQuery({ queryKey: ['me'], queryFn: ({ signal }) => getMe(signal), staleTime: Infinity });

/** Who asks; undefined until it is known. */
export const useMe = () => useWhoAsks().data;
