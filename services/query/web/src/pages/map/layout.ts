// Where the nodes of the service map stand and how its edges run: layers from left to right, by dagre.

import { Graph, layout } from '@dagrejs/dagre';
import type { MapEdge, MapNode, ServiceMap } from '../../api/model';

export const nodeSize = { width: 172, height: 52 };

export interface PlacedNode {
  node: MapNode;
  /** The centre. */
  x: number;
  y: number;
}

export interface PlacedEdge {
  edge: MapEdge;
  /** An SVG path from the caller to the called. */
  path: string;
}

export interface MapLayout {
  nodes: readonly PlacedNode[];
  edges: readonly PlacedEdge[];
  width: number;
  height: number;
}

const margin = 24;
const gap = 22;

export function layoutMap(map: ServiceMap): MapLayout {
  if (map.nodes.length === 0) return { nodes: [], edges: [], width: 0, height: 0 };
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', ranksep: 64, nodesep: gap, marginx: margin, marginy: margin });
  graph.setDefaultEdgeLabel(() => ({}));
  // Sorted, so that the picture is the same whatever the order of the answer.
  const nodes = map.nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const known = new Set(nodes.map((n) => n.id));
  const edges = map.edges
    .filter((e) => known.has(e.source) && known.has(e.target))
    .toSorted((a, b) => (a.source + a.target < b.source + b.target ? -1 : 1));
  const linked = new Set(edges.flatMap((e) => (e.source === e.target ? [] : [e.source, e.target])));
  for (const node of nodes) if (linked.has(node.id)) graph.setNode(node.id, { ...nodeSize });
  for (const edge of edges) if (edge.source !== edge.target) graph.setEdge(edge.source, edge.target);
  if (linked.size > 0) layout(graph);

  const size = graph.graph() as { width?: number; height?: number };
  let width = linked.size > 0 ? (size.width ?? 0) : 0;
  let height = linked.size > 0 ? (size.height ?? 0) : margin;
  const centres = new Map<string, Point>();
  for (const id of linked) {
    const { x, y } = graph.node(id) as Point;
    centres.set(id, { x, y });
  }
  // Those that call nobody and are called by nobody stand in rows below, out of the way of the edges.
  const alone = nodes.filter((n) => !linked.has(n.id));
  const perRow = Math.max(Math.floor((Math.max(width, 1000) - margin) / (nodeSize.width + gap)), 1);
  alone.forEach((node, i) => {
    const x = margin + nodeSize.width / 2 + (i % perRow) * (nodeSize.width + gap);
    const y = height + gap + nodeSize.height / 2 + Math.floor(i / perRow) * (nodeSize.height + gap);
    centres.set(node.id, { x, y });
    width = Math.max(width, x + nodeSize.width / 2 + margin);
  });
  if (alone.length > 0) height += Math.ceil(alone.length / perRow) * (nodeSize.height + gap) + margin;

  const centre = (id: string): Point => centres.get(id) ?? { x: 0, y: 0 };
  return {
    nodes: nodes.map((node) => ({ node, ...centre(node.id) })),
    edges: edges.map((edge) =>
      edge.source === edge.target
        ? loop(edge, centre(edge.source))
        : through(
            edge,
            centre(edge.source),
            centre(edge.target),
            (graph.edge(edge.source, edge.target) as { points: Point[] }).points,
          ),
    ),
    width,
    height,
  };
}

interface Point {
  x: number;
  y: number;
}

function loop(edge: MapEdge, { x, y: middle }: Point): PlacedEdge {
  const y = middle - nodeSize.height / 2;
  return { edge, path: `M${x - 20},${y} C${x - 30},${y - 34} ${x + 30},${y - 34} ${x + 20},${y}` };
}

/**
 * A line from side to side: out of the caller and into the called horizontally, in between past the points that dagre
 * chose to lead around other nodes.
 */
function through(edge: MapEdge, from: Point, to: Point, bends: readonly Point[]): PlacedEdge {
  const side = (to.x >= from.x ? 1 : -1) * (nodeSize.width / 2);
  const start = { x: from.x + side, y: from.y };
  const end = { x: to.x - side, y: to.y };
  // A single bend is only the middle of neighbours: nothing is in the way.
  const stops = [start, ...(bends.length > 3 ? bends.slice(1, -1) : []), end];
  let path = `M${round(start.x)},${round(start.y)}`;
  for (let i = 1; i < stops.length; i++) {
    const a = stops[i - 1]!;
    const b = stops[i]!;
    const middle = round((a.x + b.x) / 2);
    path += ` C${middle},${round(a.y)} ${middle},${round(b.y)} ${round(b.x)},${round(b.y)}`;
  }
  return { edge, path };
}

const round = (n: number) => Math.round(n * 10) / 10;

/** How wide an edge is drawn: 1 to 5 pixels, by the logarithm of its requests relative to the busiest edge. */
export function edgeWidth(requests: number, busiest: number): number {
  if (requests <= 0 || busiest <= 1) return 1;
  return 1 + 4 * (Math.log1p(requests) / Math.log1p(busiest));
}
