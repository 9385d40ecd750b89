// Which spans hide those below them. A selected span is never hidden: what is above it counts as open.

import { useMemo, useState } from 'react';
import { isAbove, reveal, visibleNodes, type Node, type Tree } from './tree';

/** Indices of nodes, see Node.index. */
export type Folded = ReadonlySet<number>;

/** With one node more, or one less. */
export function fold(folded: Folded, node: Node, on: boolean): Folded {
  const next = new Set(folded);
  if (on) next.add(node.index);
  else next.delete(node.index);
  return next;
}

/** All that have children, but for a single root: folding it would leave one line. */
export function foldAll(tree: Tree): Folded {
  const foldable = tree.nodes.filter((n) => n.children.length > 0 && (n.depth > 0 || tree.roots.length > 1));
  return new Set(foldable.map((n) => n.index));
}

/** The nodes of a service that hide something when they are folded, less a single root. */
export const foldableOf = (tree: Tree, service: string): readonly Node[] =>
  tree.nodes.filter(
    (n) => n.span.service === service && n.children.length > 0 && (n.depth > 0 || tree.roots.length > 1),
  );

/** With all of these folded; where they are already, with none of them. */
export function foldThese(folded: Folded, nodes: readonly Node[]): Folded {
  const next = new Set(folded);
  if (nodes.every((n) => folded.has(n.index))) for (const n of nodes) next.delete(n.index);
  else for (const n of nodes) next.add(n.index);
  return next;
}

/** `within` is the subtree that alone is shown, where one is. */
export function useFolding(
  tree: Tree,
  selected: Node | undefined,
  select: (node: Node | undefined) => void,
  within: Node | undefined,
) {
  const [chosen, setChosen] = useState<Folded>(new Set());
  const folded = useMemo(() => (selected === undefined ? chosen : reveal(selected, chosen)), [selected, chosen]);
  const rows = useMemo(() => visibleNodes(tree, folded, within), [tree, folded, within]);
  const foldMany = (next: Folded) => {
    setChosen(next);
    if (selected !== undefined && reveal(selected, next) !== next) select(undefined);
  };
  return {
    folded,
    rows,
    /** Whether something was folded, even where the selected span keeps it open. */
    any: chosen.size > 0,
    fold: (node: Node, on: boolean) => {
      // Folding above the selected span would be undone by revealing it: select what was folded instead.
      if (on && selected !== undefined && isAbove(node, selected)) select(node);
      setChosen(fold(folded, node, on));
    },
    reveal: (node: Node) => setChosen(reveal(node, folded)),
    /** Opens all where something is folded, else folds all. */
    toggleAll: () => foldMany(chosen.size > 0 ? new Set() : foldAll(tree)),
    /** Folds all spans of a service, or opens them where they are. */
    toggleService: (service: string) => foldMany(foldThese(folded, foldableOf(tree, service))),
  };
}
