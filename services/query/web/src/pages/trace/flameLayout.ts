// Where each span of a trace stands in its flame graph: below its parent, and in no row beside one that runs at the same time.

import { endOf, type Node, type Tree } from './tree';

export interface FlameLayout {
  /** The spans of each row, by start. */
  rows: readonly (readonly Node[])[];
  /** The row of each span, by its index. */
  rowOf: readonly number[];
}

/** Below so many rows spans stand upon each other: nobody scrolls through more. */
export const mostRows = 400;

export function flameLayout(tree: Tree): FlameLayout {
  // A span comes after its parent, also where its clock says otherwise.
  const due: number[] = [];
  for (const node of tree.nodes) {
    due[node.index] = node.parent === undefined ? node.offset : Math.max(node.offset, due[node.parent.index]!);
  }
  const inTime = tree.nodes.toSorted((a, b) => due[a.index]! - due[b.index]! || a.index - b.index);
  const rows: Node[][] = [];
  const ends: number[] = [];
  const rowOf: number[] = [];
  for (const node of inTime) {
    let row = node.parent === undefined ? 0 : rowOf[node.parent.index]! + 1;
    while (row < mostRows - 1 && (ends[row] ?? -Infinity) > node.offset) row++;
    row = Math.min(row, mostRows - 1);
    while (rows.length <= row) rows.push([]);
    rows[row]!.push(node);
    ends[row] = Math.max(ends[row] ?? -Infinity, endOf(node));
    rowOf[node.index] = row;
  }
  return { rows, rowOf };
}

/** The span of a row that runs at a moment, the one that began last; within `reach` nanoseconds of it where none does. */
export function nodeAt(row: readonly Node[] | undefined, moment: number, reach: number): Node | undefined {
  let near: Node | undefined;
  let distance = reach;
  for (const node of row ?? []) {
    const away = moment < node.offset ? node.offset - moment : Math.max(moment - endOf(node), 0);
    if (away <= distance) {
      near = node;
      distance = away;
    }
  }
  return near;
}
