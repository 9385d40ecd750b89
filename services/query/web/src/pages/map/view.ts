// From where the map is looked at, and what can be read from there.

import type { PlacedNode } from './layout';
import { nodeSize } from './layout';

/** What is in the middle of the canvas, in units of the layout, and how many pixels a unit is. */
export interface View {
  scale: number;
  x: number;
  y: number;
}

export const leastScale = 0.12;
export const mostScale = 3;

const clamp = (n: number, least: number, most: number) => Math.min(Math.max(n, least), most);

/** All of it, in the middle; not larger than it is meant to be. */
export function fit(layout: { width: number; height: number }, width: number, height: number): View {
  const scale = clamp(Math.min(width / Math.max(layout.width, 1), height / Math.max(layout.height, 1)), leastScale, 1);
  return { scale, x: layout.width / 2, y: layout.height / 2 };
}

/** Closer by a factor, while what is at a point (pixels from the middle of the canvas) stays where it is. */
export function zoomed(view: View, factor: number, at: { x: number; y: number } = { x: 0, y: 0 }): View {
  const scale = clamp(view.scale * factor, leastScale, mostScale);
  return {
    scale,
    x: view.x + at.x / view.scale - at.x / scale,
    y: view.y + at.y / view.scale - at.y / scale,
  };
}

/** Moved by pixels. */
export const moved = (view: View, dx: number, dy: number): View => ({
  ...view,
  x: view.x - dx / view.scale,
  y: view.y - dy / view.scale,
});

const round = (n: number, digits: number) => Number(n.toFixed(digits));

/** The form in the address: "0.8,1200,340". */
export const viewToText = ({ scale, x, y }: View): string => [round(scale, 3), round(x, 0), round(y, 0)].join(',');

export function viewFromText(text: string | undefined): View | undefined {
  const parts = (text ?? '').split(',').map(Number);
  const [scale, x, y] = parts;
  if (parts.length !== 3 || scale === undefined || x === undefined || y === undefined) return undefined;
  if (!parts.every(Number.isFinite) || scale <= 0) return undefined;
  return { scale: clamp(scale, leastScale, mostScale), x, y };
}

/** How much of a node is told: from far its name alone, closer its rate, then its duration and errors. */
export type Detail = 'name' | 'rate' | 'all';

export const detailAt = (scale: number): Detail => (scale >= 0.9 ? 'all' : scale >= 0.62 ? 'rate' : 'name');

/** No text is smaller than that on the screen, in pixels. */
export const leastText = 11;

/** The size of a text in units of the layout, which at full size is `wanted` pixels. */
export const textSize = (scale: number, wanted: number): number => Math.max(wanted, leastText / scale);

/** The mean width of a letter, as a part of its size. */
const letter = 0.56;

/** How many letters of a node's name there is room for: in its box, and from far also in what is free beside it. */
export function roomFor(scale: number): number {
  const width = detailAt(scale) === 'name' ? nodeSize.width + 52 : nodeSize.width - 30;
  return Math.max(Math.floor(width / (textSize(scale, 13) * letter)), 3);
}

/**
 * The nodes whose names can be read from there without lying upon each other: of those that would, the ones with more
 * requests.
 */
export function readable(nodes: readonly PlacedNode[], scale: number): ReadonlySet<string> {
  const size = textSize(scale, 13);
  const height = size * 1.15;
  if (height <= nodeSize.height) return new Set(nodes.map(({ node }) => node.id));
  const width = nodeSize.width + 52;
  const shown: PlacedNode[] = [];
  const byRequests = nodes.toSorted((a, b) => (b.node.red?.requests ?? 0) - (a.node.red?.requests ?? 0));
  for (const one of byRequests) {
    if (shown.every((other) => Math.abs(one.x - other.x) >= width || Math.abs(one.y - other.y) >= height)) {
      shown.push(one);
    }
  }
  return new Set(shown.map(({ node }) => node.id));
}
