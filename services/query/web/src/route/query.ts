import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';
import { compact } from './search';

/** The query in the address, and how to change it, as a step that the back button undoes. */
export interface QueryInAddress {
  text: string;
  /** Of traces: each condition may hold for another span, rather than all for one. */
  anywhere: boolean;
  set: (text: string, anywhere?: boolean) => void;
}

export function useQueryText(): QueryInAddress {
  const search: { q?: string; scope?: string } = useSearch({ strict: false });
  const navigate = useNavigate();
  const anywhere = search.scope === 'trace';
  const set = useCallback(
    (text: string, wide: boolean = anywhere) => {
      void navigate({
        to: '.',
        search: (before: Record<string, unknown>) =>
          compact({ ...before, q: text.trim(), scope: wide && text.trim() !== '' ? ('trace' as const) : undefined }),
      });
    },
    [navigate, anywhere],
  );
  return { text: search.q ?? '', anywhere, set };
}
