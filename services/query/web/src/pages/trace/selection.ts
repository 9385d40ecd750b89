// Which span is selected. It stands in the address, so that a link leads to it.

import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { without } from '../../route/search';
import type { Node, Tree } from './tree';

const route = getRouteApi('/traces/$traceId');

/** How a span is named in the address: by its span id, or where the trace has that twice, by its own. */
export function nameOf(tree: Tree, node: Node): string {
  const { spanId, id } = node.span;
  return tree.nodes.some((n) => n !== node && n.span.spanId === spanId) ? id : spanId;
}

export function nodeNamed(tree: Tree, name: string): Node | undefined {
  return tree.nodes.find((n) => n.span.spanId === name) ?? tree.nodes.find((n) => n.span.id === name);
}

/** The next of some nodes below the selected one, or above it; from the other end where there is none. */
export function nextOf(among: readonly Node[], selected: Node | undefined, by: 1 | -1): Node | undefined {
  if (by === 1) {
    const from = selected?.index ?? -1;
    return among.find((node) => node.index > from) ?? among[0];
  }
  const from = selected?.index ?? Infinity;
  return among.findLast((node) => node.index < from) ?? among.at(-1);
}

export function useSelection(tree: Tree) {
  const { span } = route.useSearch();
  const navigate = route.useNavigate();
  const selected = useMemo(() => (span === undefined ? undefined : nodeNamed(tree, span)), [tree, span]);
  const select = useCallback(
    (node: Node | undefined) =>
      void navigate({
        search: (before) => (node === undefined ? without(before, 'span') : { ...before, span: nameOf(tree, node) }),
        replace: true,
      }),
    [navigate, tree],
  );
  return { selected, select };
}
