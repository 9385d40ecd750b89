import { useQuery } from '@tanstack/react-query';
import { getMe } from '../api/endpoints';

/** Who asks; undefined until it is known. */
export function useMe() {
  return useQuery({ queryKey: ['me'], queryFn: ({ signal }) => getMe(signal), staleTime: Infinity }).data;
}
