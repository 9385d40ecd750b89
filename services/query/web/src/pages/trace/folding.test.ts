import { describe, expect, it } from 'vitest';
import { span } from './example';
import { fold, foldAll } from './folding';
import { buildTree, visibleNodes } from './tree';

const spans = [span('a', '', 0, 50), span('b', 'a', 10, 10), span('c', 'b', 12, 2), span('d', 'a', 30, 5)];
const names = (tree: ReturnType<typeof buildTree>, folded: ReadonlySet<number>) =>
  visibleNodes(tree, folded).map((n) => n.span.name);

describe('folding', () => {
  it('hides what is below a span until it is opened again, and leaves the set it began with alone', () => {
    const tree = buildTree(spans);
    const none = new Set<number>();
    const folded = fold(none, tree.nodes[1]!, true);
    expect(names(tree, folded)).toEqual(['a', 'b', 'd']);
    expect(names(tree, fold(folded, tree.nodes[1]!, false))).toEqual(['a', 'b', 'c', 'd']);
    expect(none.size).toBe(0);
  });

  it('of all leaves what is below a single root', () => {
    const tree = buildTree(spans);
    expect(names(tree, foldAll(tree))).toEqual(['a', 'b', 'd']);
  });

  it('of all leaves nothing but roots where there are several', () => {
    const tree = buildTree([...spans, span('x', '', 40, 5), span('y', 'x', 41, 1)]);
    expect(names(tree, foldAll(tree))).toEqual(['a', 'x']);
  });
});
