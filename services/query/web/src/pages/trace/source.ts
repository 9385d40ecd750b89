// Where a trace comes from: what is kept, or a file that somebody opened here. A file is all there is of it: nothing is asked of the server about it.

import type { TraceLogs } from './queries';

export type Source =
  | { readonly kind: 'stored'; readonly traceId: string; readonly logs: TraceLogs }
  | { readonly kind: 'file'; readonly traceId: string; readonly name: string; readonly text: string };
