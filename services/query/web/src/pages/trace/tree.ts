// From the flat spans of a trace to the rows of its waterfall. Pure, and iterative throughout: a trace may be a chain of
// ten thousand spans, which recursion would not survive. Parents, siblings and the root are chosen as services/query/internal/trace does, by the same
// cases (trees.json there; docs/adr/039).

import type { Span } from '../../api/model';
import { formatDuration } from '../../time/duration';

/** What is odd about the place of a span, if anything. */
export type Oddity =
  /** Its parent is named but is not among the spans: not sent, not sampled, or not here yet. */
  | 'missing-parent'
  /** It is its own ancestor; the loop is cut here. */
  | 'cycle'
  /** It begins before its parent: the clocks of their hosts differ. */
  | 'before-parent';

export interface Node {
  /** Position in Tree.nodes: the identity of a span here, because real traces repeat span ids. */
  readonly index: number;
  readonly span: Span;
  /** Nanoseconds after the start of the trace. */
  readonly offset: number;
  readonly parent: Node | undefined;
  readonly children: readonly Node[];
  readonly depth: number;
  /** Spans below, at any depth. */
  readonly descendants: number;
  /** Whether a span below has an error. */
  readonly errorBelow: boolean;
  /** Nanoseconds during which no child was running. */
  readonly selfTime: number;
  readonly oddity: Oddity | undefined;
}

export interface Tree {
  /** In the order of the waterfall: each span before its children, siblings by start. */
  readonly nodes: readonly Node[];
  readonly roots: readonly Node[];
  /** Start of the earliest span. */
  readonly start: bigint;
  /** From the earliest start to the latest end, wherever those spans hang. */
  readonly duration: number;
  readonly errors: number;
  /** Services in order of first appearance, with the number of their spans. */
  readonly services: readonly { name: string; spans: number; errors: number }[];
}

type Draft = { -readonly [K in keyof Omit<Node, 'children' | 'parent'>]: Node[K] } & {
  children: Draft[];
  parent: Draft | undefined;
};

export function buildTree(spans: readonly Span[]): Tree {
  if (spans.length === 0) return { nodes: [], roots: [], start: 0n, duration: 0, errors: 0, services: [] };

  let start = spans[0]!.start;
  for (const span of spans) if (span.start < start) start = span.start;

  const drafts = spans.toSorted(before).map((span): Draft => ({
    index: -1,
    span,
    offset: Number(span.start - start),
    parent: undefined,
    children: [],
    depth: 0,
    descendants: 0,
    errorBelow: false,
    selfTime: span.duration,
    oddity: undefined,
  }));
  const byId = new Map<string, SameId>();
  for (const draft of drafts) {
    let same = byId.get(draft.span.spanId);
    if (same === undefined) byId.set(draft.span.spanId, (same = { drafts: [], latest: [] }));
    same.drafts.push(draft);
    same.latest.push(Math.max(end(draft), same.latest.at(-1) ?? -Infinity));
  }

  const roots: Draft[] = [];
  for (const draft of drafts) {
    const { parentSpanId } = draft.span;
    if (parentSpanId === '') {
      roots.push(draft);
      continue;
    }
    const parent = chooseParent(draft, byId.get(parentSpanId));
    if (parent === undefined) {
      draft.oddity = 'missing-parent';
      roots.push(draft);
      continue;
    }
    draft.parent = parent;
    parent.children.push(draft);
    if (draft.offset < parent.offset) draft.oddity = 'before-parent';
  }
  cutCycles(drafts, roots);

  // A true root leads, even when a span with a missing parent began before it by a skewed clock; where loops are cut comes last.
  roots.sort((a, b) => rank(a.oddity) - rank(b.oddity) || before(a.span, b.span));

  const ordered: Draft[] = [];
  const stack = roots.toReversed();
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    node.index = ordered.length;
    ordered.push(node);
    for (const child of node.children.toReversed()) {
      child.depth = node.depth + 1;
      stack.push(child);
    }
  }

  let length = 0;
  let errors = 0;
  const services = new Map<string, { name: string; spans: number; errors: number }>();
  for (const node of ordered) {
    const { service, status, duration } = node.span;
    length = Math.max(length, node.offset + duration);
    const entry = services.get(service) ?? { name: service, spans: 0, errors: 0 };
    entry.spans++;
    if (status === 'error') {
      entry.errors++;
      errors++;
    }
    services.set(service, entry);
    node.selfTime = selfTime(node);
  }
  // Backwards, children come before their parents: sums flow up in one pass.
  for (let i = ordered.length - 1; i >= 0; i--) {
    const node = ordered[i]!;
    if (node.parent === undefined) continue;
    node.parent.descendants += node.descendants + 1;
    node.parent.errorBelow ||= node.errorBelow || node.span.status === 'error';
  }
  return { nodes: ordered, roots, start, duration: length, errors, services: [...services.values()] };
}

/** The order of siblings, and of what may be the root: by start, the longer one first, by span id. */
export function before(a: Span, b: Span): number {
  if (a.start !== b.start) return a.start < b.start ? -1 : 1;
  if (a.duration !== b.duration) return b.duration - a.duration;
  return a.spanId < b.spanId ? -1 : Number(a.spanId > b.spanId);
}

const rank = (oddity: Oddity | undefined): number => [undefined, 'missing-parent', 'cycle'].indexOf(oddity);

const end = (draft: Draft): number => draft.offset + draft.span.duration;

/** When a span ends, in nanoseconds after the start of the trace. */
export const endOf = (node: Node): number => node.offset + node.span.duration;

/** The spans of one id, in order, with the latest end of each and all before it: thousands may share an id. */
interface SameId {
  readonly drafts: Draft[];
  readonly latest: number[];
}

/**
 * Among spans that share an id, the parent is the first that encloses the child, else the first other one.
 * A span never is its own parent by this rule unless it is the only candidate, which cutCycles then finds.
 */
function chooseParent(child: Draft, same: SameId | undefined): Draft | undefined {
  if (same === undefined || same.drafts.length === 1) return same?.drafts[0];
  const { drafts, latest } = same;
  // The first that ends no earlier: all before it end too early; if it begins too late, so do all after it.
  let at = 0;
  for (let above = latest.length; at < above;) {
    const middle = (at + above) >> 1;
    if (latest[middle]! < end(child)) at = middle + 1;
    else above = middle;
  }
  // What comes after the child in order and encloses it has its very times.
  if (drafts[at] === child) at++;
  const found = drafts[at];
  if (found !== undefined && found.offset <= child.offset && end(child) <= end(found)) return found;
  return drafts[0] === child ? drafts[1] : drafts[0];
}

/** Spans that no root reaches form loops; the earliest span of each becomes a root. */
function cutCycles(drafts: readonly Draft[], roots: Draft[]): void {
  const reached = new Set<Draft>();
  const reach = (from: Draft) => {
    const stack = [from];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (reached.has(node)) continue;
      reached.add(node);
      stack.push(...node.children);
    }
  };
  roots.forEach(reach);
  if (reached.size === drafts.length) return;
  for (const draft of drafts) {
    if (reached.has(draft)) continue;
    // Walking up from a stray span ends in its loop; the second visit names a member of it.
    const seen = new Set<Draft>();
    let node = draft;
    while (!seen.has(node)) {
      seen.add(node);
      node = node.parent!;
    }
    let first = node;
    for (let member = node.parent!; member !== node; member = member.parent!) {
      if (before(member.span, first.span) < 0) first = member;
    }
    const parent = first.parent!;
    parent.children.splice(parent.children.indexOf(first), 1);
    first.parent = undefined;
    first.oddity = 'cycle';
    roots.push(first);
    reach(first);
  }
}

/** The span's duration less the union of its children's, each clipped to the span. Children are sorted by start. */
function selfTime(node: Draft): number {
  const from = node.offset;
  const to = from + node.span.duration;
  let covered = 0;
  let reached = from;
  for (const child of node.children) {
    const begin = Math.max(child.offset, reached);
    const end = Math.min(child.offset + child.span.duration, to);
    if (end > begin) {
      covered += end - begin;
      reached = end;
    }
  }
  return node.span.duration - covered;
}

/** How long a span took, in words. */
export const spanDuration = (span: Span): string =>
  span.durationUnknown ? 'duration unknown' : formatDuration(span.duration);

/** The nodes to show, of all or of one subtree, while those in `collapsed` (by index) hide everything below them. */
export function visibleNodes(tree: Tree, collapsed: ReadonlySet<number>, within?: Node): Node[] {
  const rows: Node[] = [];
  const [from, to] = within === undefined ? [0, tree.nodes.length] : [within.index, lastBelow(within) + 1];
  for (let i = from; i < to;) {
    const node = tree.nodes[i]!;
    rows.push(node);
    i += collapsed.has(node.index) ? node.descendants + 1 : 1;
  }
  return rows;
}

/** `collapsed` less all ancestors of a node, so that it can be seen; the same set when nothing hid it. */
export function reveal(node: Node, collapsed: ReadonlySet<number>): ReadonlySet<number> {
  let open: Set<number> | undefined;
  for (let above = node.parent; above !== undefined; above = above.parent) {
    if (collapsed.has(above.index)) (open ??= new Set(collapsed)).delete(above.index);
  }
  return open ?? collapsed;
}

/** The index of the last node of a subtree. */
export const lastBelow = (node: Node): number => node.index + node.descendants;

/** Whether a node is the top of a subtree or in it. */
export const isWithin = (node: Node, subtree: Node): boolean =>
  node.index >= subtree.index && node.index <= lastBelow(subtree);

/** Whether a node is an ancestor of another. */
export function isAbove(candidate: Node, node: Node): boolean {
  for (let above = node.parent; above !== undefined; above = above.parent) if (above === candidate) return true;
  return false;
}

/** What a summary tells of a trace. */
export interface Facts {
  errors: readonly Node[];
  /** Those whose parents are not here. */
  orphans: readonly Node[];
  /** Those that begin before their parents. */
  early: readonly Node[];
  /** Those where loops of parents were cut. */
  cut: readonly Node[];
  depth: number;
  /** Whether no span is without a parent: the first one stands for the root. */
  rootMissing: boolean;
}

export function summarise(tree: Tree): Facts {
  const odd = (oddity: Oddity) => tree.nodes.filter((n) => n.oddity === oddity);
  return {
    errors: tree.nodes.filter((n) => n.span.status === 'error'),
    orphans: odd('missing-parent'),
    early: odd('before-parent'),
    cut: odd('cycle'),
    depth: tree.nodes.reduce((max, n) => Math.max(max, n.depth + 1), 0),
    rootMissing: tree.roots[0]?.oddity !== undefined,
  };
}

const hays = new WeakMap<Span, string>();

/** Whether a span's name, service, ids or attributes contain the text, case aside. */
export function matches(span: Span, text: string): boolean {
  const needle = text.toLowerCase();
  let hay = hays.get(span);
  // Kept: the next letter that is typed looks through the same fifty thousand spans.
  if (hay === undefined) hays.set(span, (hay = hayOf(span)));
  return span.spanId === needle || hay.includes(needle);
}

function hayOf(span: Span): string {
  let hay = `${span.name}\n${span.service}\n${span.statusMessage}`;
  for (const { key, value } of span.attributes) {
    hay += `\n${key}`;
    if (value.type === 'string' || value.type === 'int' || value.type === 'double' || value.type === 'bool') {
      hay += `=${value.value}`;
    }
  }
  return hay.toLowerCase();
}
