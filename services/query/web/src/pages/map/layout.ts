// Where the nodes of the service map stand and how its edges run: layers from left to right, by dagre.

import { Graph, layout } from '@dagrejs/dagre';
import type { MapEdge, MapNode, ServiceMap } from '../../api/model';

/** A node may be drawn smaller than its place, never larger. */
export const nodeSize = { width: 176, height: 48 };

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

/** The nodes of one namespace, and the rectangle around them. */
export interface PlacedGroup {
  name: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface MapLayout {
  nodes: readonly PlacedNode[];
  edges: readonly PlacedEdge[];
  groups: readonly PlacedGroup[];
  width: number;
  height: number;
}

const margin = 24;
const gap = 14;
/** Between layers: a name that is too long for its node has room in it. */
const ranks = 92;

export function layoutMap(map: ServiceMap, grouped = false): MapLayout {
  if (map.nodes.length === 0) return { nodes: [], edges: [], groups: [], width: 0, height: 0 };
  const graph = new Graph({ compound: true });
  graph.setGraph({ rankdir: 'LR', ranksep: ranks, nodesep: gap, marginx: margin, marginy: margin });
  graph.setDefaultEdgeLabel(() => ({}));
  // Sorted, so that the picture is the same whatever the order of the answer.
  const nodes = map.nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  // dagre keeps nodes in plain objects: there they are known by their place, because an id may be any text.
  const places = new Map(nodes.map((node, i) => [node.id, String(i)]));
  const place = (id: string): string => places.get(id) ?? '';
  const edges = map.edges
    .filter((e) => places.has(e.source) && places.has(e.target))
    .toSorted((a, b) => (a.source + a.target < b.source + b.target ? -1 : 1));
  const linked = new Set(edges.flatMap((e) => (e.source === e.target ? [] : [e.source, e.target])));
  for (const node of nodes) if (linked.has(node.id)) graph.setNode(place(node.id), { ...nodeSize });
  const named = grouped ? [...new Set(nodes.map((n) => n.namespace))].filter((name) => name !== '').sort() : [];
  const groupPlaces = new Map(named.map((name, i) => [name, `group ${i}`]));
  for (const [, at] of groupPlaces) graph.setNode(at, {});
  for (const node of nodes) {
    const group = groupPlaces.get(node.namespace);
    if (group !== undefined && linked.has(node.id)) graph.setParent(place(node.id), group);
  }
  for (const [, at] of groupPlaces) if (graph.children(at).length === 0) graph.removeNode(at);
  for (const edge of edges) if (edge.source !== edge.target) graph.setEdge(place(edge.source), place(edge.target));
  if (linked.size > 0) layout(graph);

  const size = graph.graph() as { width?: number; height?: number };
  let width = linked.size > 0 ? (size.width ?? 0) : 0;
  let height = linked.size > 0 ? (size.height ?? 0) : margin;
  const centres = new Map<string, Point>();
  for (const id of linked) {
    const { x, y } = graph.node(place(id)) as Point;
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
  const ports = portsOf(edges, centre);
  return {
    nodes: nodes.map((node) => ({ node, ...centre(node.id) })),
    edges: edges.map((edge) => {
      if (edge.source === edge.target) return loop(edge, centre(edge.source));
      const { points } = graph.edge(place(edge.source), place(edge.target)) as { points: Point[] };
      return through(edge, centre(edge.source), centre(edge.target), points, ports);
    }),
    groups: named.flatMap((name) => {
      const at = groupPlaces.get(name);
      if (at === undefined || !graph.hasNode(at)) return [];
      const box = graph.node(at) as Point & { width: number; height: number };
      return [{ name, x: box.x - box.width / 2, y: box.y - box.height / 2, width: box.width, height: box.height }];
    }),
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

/** How far from the middle of its side each edge leaves and arrives, so that edges of one node do not lie on each other. */
interface Ports {
  out: ReadonlyMap<MapEdge, number>;
  in: ReadonlyMap<MapEdge, number>;
}

/** The part of a node's side that edges are spread over. */
const side = 0.6;

function portsOf(edges: readonly MapEdge[], centre: (id: string) => Point): Ports {
  const spread = (own: (e: MapEdge) => string, other: (e: MapEdge) => string): ReadonlyMap<MapEdge, number> => {
    const byNode = new Map<string, MapEdge[]>();
    for (const edge of edges) {
      if (edge.source === edge.target) continue;
      const list = byNode.get(own(edge));
      if (list === undefined) byNode.set(own(edge), [edge]);
      else list.push(edge);
    }
    const ports = new Map<MapEdge, number>();
    for (const list of byNode.values()) {
      // In the order of what they lead to, so that they do not cross each other at once.
      const sorted = list.toSorted((a, b) => centre(other(a)).y - centre(other(b)).y);
      const step = Math.min(9, (nodeSize.height * side) / Math.max(sorted.length - 1, 1));
      sorted.forEach((edge, i) => ports.set(edge, (i - (sorted.length - 1) / 2) * step));
    }
    return ports;
  };
  return {
    out: spread(
      (e) => e.source,
      (e) => e.target,
    ),
    in: spread(
      (e) => e.target,
      (e) => e.source,
    ),
  };
}

/**
 * A line from side to side: out of the caller and into the called horizontally, in between past the points that dagre
 * chose to lead around other nodes.
 */
function through(edge: MapEdge, from: Point, to: Point, bends: readonly Point[], ports: Ports): PlacedEdge {
  const edgeOf = (to.x >= from.x ? 1 : -1) * (nodeSize.width / 2);
  const start = { x: from.x + edgeOf, y: from.y + (ports.out.get(edge) ?? 0) };
  const end = { x: to.x - edgeOf, y: to.y + (ports.in.get(edge) ?? 0) };
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
