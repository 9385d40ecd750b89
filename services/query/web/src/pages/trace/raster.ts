// All spans of a trace in a strip a few dozen pixels high: which colour each of its pixels has. A trace has more spans than the strip has
// pixels, and drawing each of fifty thousand takes longer than all else of the page.

import type { Tree } from './tree';

/** A stretch of one line that has one colour. */
export interface Run {
  line: number;
  from: number;
  /** Not within. */
  to: number;
  /** The number of a service in Tree.services; -1 for errors. */
  colour: number;
}

/** The runs of a strip of so many pixels and lines. Errors lie above all else; else what comes later in the tree does. */
export function raster(tree: Tree, width: number, lines: number): Run[] {
  if (width <= 0 || lines <= 0 || tree.nodes.length === 0) return [];
  const colours = new Map(tree.services.map(({ name }, i) => [name, i]));
  const total = Math.max(tree.duration, 1);
  // 0 is nothing, 1 an error, 2 and on the services.
  const cells = new Uint32Array(width * lines);
  const last = tree.nodes.length - 1;
  for (const node of tree.nodes) {
    const line = last === 0 ? 0 : Math.min(Math.floor((node.index / (last + 1)) * lines), lines - 1);
    const from = Math.min(Math.floor((node.offset / total) * width), width - 1);
    const to = Math.max(Math.ceil(((node.offset + node.span.duration) / total) * width), from + 1);
    const colour = node.span.status === 'error' ? 1 : (colours.get(node.span.service) ?? 0) + 2;
    const start = line * width;
    if (colour === 1) cells.fill(1, start + from, start + Math.min(to, width));
    else for (let x = from; x < to && x < width; x++) if (cells[start + x] !== 1) cells[start + x] = colour;
  }
  const runs: Run[] = [];
  for (let line = 0; line < lines; line++) {
    for (let x = 0; x < width;) {
      const colour = cells[line * width + x]!;
      let to = x + 1;
      while (to < width && cells[line * width + to] === colour) to++;
      if (colour !== 0) runs.push({ line, from: x, to, colour: colour - 2 });
      x = to;
    }
  }
  return runs;
}
