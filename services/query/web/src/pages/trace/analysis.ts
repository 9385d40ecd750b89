// What the tree of a trace tells beside its shape: the critical path, clocks that differ, where errors began, and who called whom. The first
// two by the rules of services/query/internal/trace (docs/api.yaml tells them), and by the same cases (testdata/analysis.json there): a trace
// that was opened from a file has no server to ask. Iterative throughout, as tree.ts is.

import type { Resource } from '../../api/model';
import { asText } from '../../parts/answer';
import { before, endOf, type Node, type Tree } from './tree';

/** A part of the critical path: what of it is a span's own. Nanoseconds after the start of the trace. */
export interface Step {
  readonly node: Node;
  readonly from: number;
  readonly to: number;
}

interface Frame {
  readonly node: Node;
  readonly from: number;
  /** What of the span's part is after this has been told. */
  at: number;
  /** Its children, the last to end first, and how many of them have been looked at. */
  readonly left: readonly Node[];
  looked: number;
}

/**
 * Which span the end of the root waited for, at each moment of the root's time: backwards from its end, the child that was the last to end, and
 * of several that still ran the one that began first. The steps follow one another and add up to the root's duration.
 */
export function criticalPath(root: Node | undefined): readonly Step[] {
  const steps: Step[] = [];
  if (root === undefined) return steps;
  const step = (node: Node, from: number, to: number) => {
    if (from < to) steps.push({ node, from, to });
  };
  const open = (node: Node, from: number, at: number): Frame => {
    const { children } = node;
    return { node, from, at, left: children.toSorted((a, b) => endOf(b) - endOf(a)), looked: 0 };
  };
  const stack = [open(root, root.offset, endOf(root))];
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    // Of those that run at this moment, the one that began first; else the one that ended last before it.
    let next: Node | undefined;
    let child = frame.left[frame.looked];
    for (; child !== undefined && endOf(child) >= frame.at; child = frame.left[++frame.looked]) {
      if (child.offset < frame.at && (next === undefined || before(child.span, next.span) < 0)) next = child;
    }
    if (next === undefined && child !== undefined && endOf(child) > frame.from) {
      step(frame.node, endOf(child), frame.at);
      frame.at = endOf(child);
    } else if (next === undefined || frame.at <= frame.from) {
      step(frame.node, frame.from, frame.at);
      stack.pop();
    } else {
      const to = frame.at;
      frame.at = Math.max(next.offset, frame.from);
      stack.push(open(next, frame.at, to));
    }
  }
  return steps.reverse();
}

/** The steps of each span that has some, by its index. */
export function stepsByNode(steps: readonly Step[]): ReadonlyMap<number, readonly Step[]> {
  const byNode = new Map<number, Step[]>();
  for (const step of steps) {
    const list = byNode.get(step.node.index);
    if (list === undefined) byNode.set(step.node.index, [step]);
    else list.push(step);
  }
  return byNode;
}

const resourceKeys = new WeakMap<Resource, string>();

/** Whether two spans are of one process, as far as their resources tell. */
function sameProcess(a: Resource, b: Resource): boolean {
  if (a === b) return true;
  const key = (of: Resource) => {
    let known = resourceKeys.get(of);
    if (known === undefined) resourceKeys.set(of, (known = asText([of.service, of.attributes])));
    return known;
  };
  return key(a) === key(b);
}

/**
 * By how much the clock of a span's process is reckoned to be wrong against its parent's, in nanoseconds to add to its times; 0 where nothing tells.
 * Nothing is corrected.
 */
export function clockShift({ span, parent, offset }: Node): number {
  if (parent === undefined || parent.span.duration === 0) return 0;
  const waited = parent.span.kind === 'client' && span.kind === 'server';
  const late = waited && offset + span.duration > endOf(parent) && span.duration <= parent.span.duration;
  if ((offset >= parent.offset && !late) || sameProcess(parent.span.resource, span.resource)) return 0;
  return parent.offset + Math.floor(Math.max(parent.span.duration - span.duration, 0) / 2) - offset;
}

const failed = ({ span }: Node) => span.status === 'error';

/**
 * Where errors began: for each span that failed and hangs below none that did, the one that its failure leads down to. On the way down of several
 * children that failed it is the last to end, because what failed before was followed by another try.
 */
export function causesOf(tree: Tree): readonly Node[] {
  const causes: Node[] = [];
  for (let i = 0; i < tree.nodes.length;) {
    let node = tree.nodes[i]!;
    if (!failed(node)) {
      i++;
      continue;
    }
    i += node.descendants + 1;
    for (let next = lastFailed(node); next !== undefined; next = lastFailed(next)) node = next;
    causes.push(node);
  }
  // The failure of the root's own chain comes first; the others in the order of the tree.
  return causes;
}

function lastFailed(node: Node): Node | undefined {
  let last: Node | undefined;
  for (const child of node.children) {
    if (!failed(child) && !child.errorBelow) continue;
    const better =
      last === undefined ||
      (failed(child) && !failed(last)) ||
      (failed(child) === failed(last) && endOf(child) > endOf(last));
    if (better) last = child;
  }
  return last;
}

/** A service in a trace, or something that it called and that sent no spans. */
export interface Participant {
  readonly id: string;
  readonly name: string;
  readonly type: 'service' | 'database' | 'messaging' | 'external';
  spans: number;
  errors: number;
  /** Nanoseconds. */
  selfTime: number;
}

export interface Calls {
  readonly source: string;
  readonly target: string;
  calls: number;
  errors: number;
  /** Nanoseconds, of all of them together. */
  duration: number;
}

/** Who takes part in a trace, and who calls whom: spans whose parents are of another process. */
export function participants(tree: Tree): { nodes: readonly Participant[]; edges: readonly Calls[] } {
  const nodes = new Map<string, Participant>();
  const edges = new Map<string, Calls>();
  const meet = (type: Participant['type'], name: string): Participant => {
    const id = `${type} ${name}`;
    let known = nodes.get(id);
    if (known === undefined) nodes.set(id, (known = { id, name, type, spans: 0, errors: 0, selfTime: 0 }));
    return known;
  };
  const call = (source: Participant, target: Participant, node: Node) => {
    const key = JSON.stringify([source.id, target.id]);
    let known = edges.get(key);
    if (known === undefined) {
      known = { source: source.id, target: target.id, calls: 0, errors: 0, duration: 0 };
      edges.set(key, known);
    }
    known.calls++;
    known.errors += Number(failed(node));
    known.duration += node.span.duration;
  };
  for (const node of tree.nodes) {
    const { span, parent } = node;
    const own = meet('service', span.service);
    own.spans++;
    own.errors += Number(failed(node));
    own.selfTime += node.selfTime;
    if (parent !== undefined && !sameProcess(parent.span.resource, span.resource)) {
      call(meet('service', parent.span.service), own, node);
    }
    const silent = silentPeer(node);
    if (silent === undefined) continue;
    const peer = meet(silent.type, silent.name);
    peer.spans++;
    peer.errors += Number(failed(node));
    call(own, peer, node);
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()] };
}

/** What a call went to that sent no spans: known by the attributes of the caller's span alone. */
function silentPeer(node: Node): { type: 'database' | 'messaging' | 'external'; name: string } | undefined {
  const { span } = node;
  if (span.kind !== 'client' && span.kind !== 'producer') return undefined;
  if (node.children.some((child) => !sameProcess(child.span.resource, span.resource))) return undefined;
  const told = new Map(span.attributes.map(({ key, value }) => [key, value.type === 'string' ? value.value : '']));
  const first = (...keys: string[]) => keys.map((key) => told.get(key) ?? '').find((text) => text !== '') ?? '';
  const database = first('db.system.name', 'db.system');
  if (database !== '') {
    const name = first('db.namespace', 'db.name');
    return { type: 'database', name: name === '' ? database : `${database} ${name}` };
  }
  const messaging = first('messaging.system');
  if (messaging !== '') {
    const name = first('messaging.destination.name', 'messaging.destination');
    return { type: 'messaging', name: name === '' ? messaging : `${messaging} ${name}` };
  }
  const host = first('peer.service', 'service.peer.name', 'server.address', 'net.peer.name', 'http.host');
  if (host !== '') return { type: 'external', name: host };
  const url = first('url.full', 'http.url');
  return URL.canParse(url) ? { type: 'external', name: new URL(url).host } : undefined;
}

/** Steps as they are drawn: what is nearer to each other than `least` nanoseconds is one. */
export function drawnSteps(
  steps: readonly Step[],
  from: number,
  to: number,
  least: number,
): readonly { from: number; to: number }[] {
  const drawn: { from: number; to: number }[] = [];
  const seen = steps.filter((step) => step.to > from && step.from < to).sort((a, b) => a.from - b.from);
  for (const step of seen) {
    const last = drawn.at(-1);
    if (last !== undefined && step.from - last.to <= least) last.to = Math.max(last.to, step.to);
    else drawn.push({ from: step.from, to: step.to });
  }
  return drawn;
}

/** The stretches of a span in which no child of it ran, in nanoseconds after the start of the trace; short ones may be left out. */
export function selfParts(node: Node, least: number): readonly { from: number; to: number }[] {
  const parts: { from: number; to: number }[] = [];
  let reached = node.offset;
  const end = endOf(node);
  for (const child of node.children) {
    const from = Math.min(child.offset, end);
    if (from - reached > least) parts.push({ from: reached, to: from });
    reached = Math.max(reached, Math.min(endOf(child), end));
  }
  if (end - reached > least) parts.push({ from: reached, to: end });
  return parts;
}
