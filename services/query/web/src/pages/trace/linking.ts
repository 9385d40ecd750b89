// Which spans of a trace link to which: a link names the span it leads to, and that span does not know.

import type { Node, Tree } from './tree';

const known = new WeakMap<Tree, ReadonlyMap<string, readonly Node[]>>();

/** The spans of a trace with links to a span of it. */
export function linkingTo(tree: Tree, node: Node): readonly Node[] {
  let byId = known.get(tree);
  if (byId === undefined) {
    const found = new Map<string, Node[]>();
    for (const from of tree.nodes) {
      for (const { traceId, spanId } of from.span.links) {
        if (traceId !== from.span.traceId) continue;
        const list = found.get(spanId);
        if (list === undefined) found.set(spanId, [from]);
        else if (list.at(-1) !== from) list.push(from);
      }
    }
    known.set(tree, (byId = found));
  }
  return byId.get(node.span.spanId) ?? [];
}
