import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { span } from './example';
import { buildTree, isAbove, matches, reveal, spanDuration, summarise, visibleNodes, type Tree } from './tree';

const outline = (tree: Tree) =>
  tree.nodes.map((n) => '  '.repeat(n.depth) + n.span.name + (n.oddity === undefined ? '' : ` (${n.oddity})`));

describe('spanDuration', () => {
  it('does not call a duration short that nobody knows', () => {
    expect(spanDuration(span('a', '', 0, 1_500_000))).toBe('1.5 ms');
    expect(spanDuration({ ...span('a', '', 0, 0), durationUnknown: true })).toBe('duration unknown');
  });
});

// The cases are shared with the query service, which chooses the root of a trace in lists.
describe('the rule for trees', () => {
  const file = new URL('../../../../internal/trace/testdata/trees.json', import.meta.url);
  const cases = JSON.parse(readFileSync(file, 'utf8')) as {
    name: string;
    spans: { id: string; parent: string; start: number; duration: number }[];
    tree: string[];
  }[];
  it.each(cases)('$name', ({ spans, tree }) => {
    const built = buildTree(spans.map(({ id, parent, start, duration }) => span(id, parent, start, duration)));
    expect(outline(built).map((line) => line.replaceAll('-', '_'))).toEqual(tree);
  });
});

describe('buildTree', () => {
  it('nests children under parents, siblings by start', () => {
    const tree = buildTree([
      span('c', 'a', 30, 10),
      span('b', 'a', 10, 10),
      span('a', '', 0, 50),
      span('d', 'b', 12, 2),
    ]);
    expect(outline(tree)).toEqual(['a', '  b', '    d', '  c']);
    expect(tree.nodes.map((n) => n.index)).toEqual([0, 1, 2, 3]);
    expect(tree.nodes.map((n) => n.descendants)).toEqual([3, 1, 0, 0]);
    expect(tree).toMatchObject({ start: 1_000_000n, duration: 50, errors: 0 });
  });

  it('shows spans whose parent is missing, after the true root', () => {
    const tree = buildTree([span('x', 'gone', -20, 5), span('a', '', 0, 50), span('y', 'x', -18, 1)]);
    expect(outline(tree)).toEqual(['a', 'x (missing-parent)', '  y']);
    expect(tree.nodes[0]?.offset).toBe(20);
    expect(tree.duration).toBe(70);
  });

  it('keeps children outside their parent in range, and marks those that begin before it', () => {
    const tree = buildTree([span('a', '', 0, 10), span('late', 'a', 40, 60), span('early', 'a', -5, 3)]);
    expect(outline(tree)).toEqual(['a', '  early (before-parent)', '  late']);
    expect(tree.duration).toBe(105);
  });

  it('cuts loops at their earliest span', () => {
    const tree = buildTree([
      span('b', 'a', 5, 1),
      span('a', 'b', 0, 9),
      span('self', 'self', 2, 1),
      span('c', 'b', 6, 1),
    ]);
    expect(outline(tree)).toEqual(['a (cycle)', '  b', '    c', 'self (cycle)']);
  });

  it('gives children of a repeated span id to the span that encloses them', () => {
    const tree = buildTree([
      span('r', '', 0, 100),
      span('dup', 'r', 10, 10, { name: 'first' }),
      span('dup', 'r', 50, 20, { name: 'second' }),
      span('child', 'dup', 55, 5),
    ]);
    expect(outline(tree)).toEqual(['r', '  first', '  second', '    child']);
  });

  it('puts a server span that shares its id with the client span beside it, not in a loop', () => {
    const tree = buildTree([span('s', '', 0, 10, { name: 'client' }), span('s', 's', 1, 8, { name: 'server' })]);
    expect(outline(tree)).toEqual(['client', '  server']);
  });

  it('subtracts the union of overlapping children from self time', () => {
    const tree = buildTree([
      span('a', '', 0, 100),
      span('b', 'a', 10, 30),
      span('c', 'a', 20, 30),
      span('d', 'a', 90, 50),
    ]);
    expect(tree.nodes[0]?.selfTime).toBe(100 - 40 - 10);
  });

  it('counts errors, carries them up and lists services', () => {
    const tree = buildTree([
      span('a', '', 0, 9),
      span('b', 'a', 1, 2, { service: 'db' }),
      span('c', 'b', 1, 1, { service: 'db', status: 'error' }),
    ]);
    expect(tree.errors).toBe(1);
    expect(tree.nodes.map((n) => n.errorBelow)).toEqual([true, true, false]);
    expect(tree.services).toEqual([
      { name: 'shop', spans: 1, errors: 0 },
      { name: 'db', spans: 2, errors: 1 },
    ]);
  });

  it('survives a chain of twenty thousand spans', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      span(`s${i}`, i === 0 ? '' : `s${i - 1}`, i, 40_000 - 2 * i),
    );
    const tree = buildTree(chain.toReversed());
    expect(tree.nodes.at(-1)?.depth).toBe(19_999);
    expect(tree.nodes[0]?.descendants).toBe(19_999);
  });

  it('accepts nothing', () => {
    expect(buildTree([])).toMatchObject({ nodes: [], duration: 0 });
  });
});

describe('visible rows', () => {
  const tree = buildTree([
    span('a', '', 0, 100),
    span('b', 'a', 10, 30),
    span('c', 'b', 20, 10),
    span('d', 'a', 50, 10),
    span('e', 'd', 51, 5),
  ]);
  const names = (collapsed: Set<number>) => visibleNodes(tree, collapsed).map((n) => n.span.name);

  it('hide what is below a collapsed span', () => {
    expect(names(new Set())).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(names(new Set([1]))).toEqual(['a', 'b', 'd', 'e']);
    expect(names(new Set([0, 1]))).toEqual(['a']);
  });

  it('are opened as far as a span needs', () => {
    const collapsed = new Set([0, 1, 3]);
    expect(reveal(tree.nodes[4]!, collapsed)).toEqual(new Set([1]));
    const open: ReadonlySet<number> = new Set([3]);
    expect(reveal(tree.nodes[2]!, open)).toBe(open);
  });
});

describe('matches', () => {
  const candidate = span('a', '', 0, 1, {
    name: 'GET /cart',
    attributes: [
      { key: 'http.response.status_code', value: { type: 'int', value: 503n } },
      { key: 'user', value: { type: 'string', value: 'Ada' } },
    ],
  });

  it.each(['cart', 'SHOP', 'status_code=503', 'ada', '503', 'user'])('finds %s', (text) => {
    expect(matches(candidate, text)).toBe(true);
  });

  it('does not find what is not there', () => {
    expect(matches(candidate, 'checkout')).toBe(false);
  });
});

describe('a summary', () => {
  it('names the errors, the orphans and how deep it goes', () => {
    const tree = buildTree([
      span('a', '', 0, 50),
      span('b', 'a', 10, 10, { status: 'error' }),
      span('c', 'b', 12, 2, { status: 'error' }),
      span('x', 'gone', 20, 5),
    ]);
    const { errors, orphans, depth } = summarise(tree);
    expect(errors.map((n) => n.span.name)).toEqual(['b', 'c']);
    expect(orphans.map((n) => n.span.name)).toEqual(['x']);
    expect(depth).toBe(3);
    expect(summarise(buildTree([]))).toEqual({
      ...{ errors: [], orphans: [], early: [], cut: [] },
      ...{ depth: 0, rootMissing: false },
    });
    expect(summarise(buildTree([span('x', 'gone', 0, 5)])).rootMissing).toBe(true);
  });
});

it('knows what is above what', () => {
  const [a, b, c] = buildTree([span('a', '', 0, 50), span('b', 'a', 10, 10), span('c', 'b', 12, 2)]).nodes;
  expect(isAbove(a!, c!)).toBe(true);
  expect(isAbove(c!, a!)).toBe(false);
  expect(isAbove(b!, b!)).toBe(false);
});
