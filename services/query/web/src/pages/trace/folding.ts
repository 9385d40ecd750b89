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

export function useFolding(tree: Tree, selected: Node | undefined, select: (node: Node | undefined) => void) {
  const [chosen, setChosen] = useState<Folded>(new Set());
  const folded = useMemo(() => (selected === undefined ? chosen : reveal(selected, chosen)), [selected, chosen]);
  const rows = useMemo(() => visibleNodes(tree, folded), [tree, folded]);
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
    toggleAll: () => {
      const all: Folded = chosen.size > 0 ? new Set() : foldAll(tree);
      setChosen(all);
      if (all.size > 0) select(undefined);
    },
  };
}
