// Which span is selected. It stands in the address, so that a link leads to it.

import { useCallback, useMemo } from 'react';
import { useAddress } from './address';
import type { Node, Tree } from './tree';

const repeated = new WeakMap<Tree, ReadonlySet<string>>();

/** The span ids that a trace has twice. */
function repeatedIn(tree: Tree): ReadonlySet<string> {
  let known = repeated.get(tree);
  if (known === undefined) {
    const seen = new Set<string>();
    const twice = new Set<string>();
    for (const { span } of tree.nodes) (seen.has(span.spanId) ? twice : seen).add(span.spanId);
    repeated.set(tree, (known = twice));
  }
  return known;
}

/** How a span is named in the address: by its span id, or where the trace has that twice, by its own. */
export const nameOf = (tree: Tree, { span }: Node): string =>
  repeatedIn(tree).has(span.spanId) ? span.id : span.spanId;

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

/** The node that a part of the address names, and how to name another there. */
function useNamed(tree: Tree, part: 'span' | 'focus') {
  const { address, change } = useAddress();
  const name = address[part];
  const node = useMemo(() => (name === undefined ? undefined : nodeNamed(tree, name)), [tree, name]);
  const set = useCallback(
    (next: Node | undefined) => change({ [part]: next === undefined ? undefined : nameOf(tree, next) }),
    [change, tree, part],
  );
  return [node, set] as const;
}

export function useSelection(tree: Tree) {
  const [selected, select] = useNamed(tree, 'span');
  return { selected, select };
}

/** The span whose subtree alone is shown; undefined where all of the trace is. */
export function useFocus(tree: Tree) {
  const [focused, focus] = useNamed(tree, 'focus');
  return { focused, focus };
}
