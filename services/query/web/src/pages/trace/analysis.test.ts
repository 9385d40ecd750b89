import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Resource, Span } from '../../api/model';
import { causesOf, clockShift, criticalPath, drawnSteps, participants, selfParts, stepsByNode } from './analysis';
import { span } from './example';
import { buildTree } from './tree';

const resource = (service: string, instance = ''): Resource => ({
  service,
  attributes: [{ key: 'service.instance.id', value: { type: 'string', value: instance } }],
  ...{ schemaUrl: '', droppedAttributes: 0 },
});

interface Case {
  name: string;
  spans: { id: string; parent: string; start: number; duration: number; kind?: Span['kind']; resource?: number }[];
  critical: string[];
  shifts?: Record<string, number>;
}

// The cases are shared with the query service, which tells them of what is kept.
describe('the rules for critical paths and clocks', () => {
  const file = new URL('../../../../internal/trace/testdata/analysis.json', import.meta.url);
  const cases = JSON.parse(readFileSync(file, 'utf8')) as Case[];
  it.each(cases)('$name', ({ spans, critical, shifts = {} }) => {
    const tree = buildTree(
      spans.map(({ id, parent, start, duration, kind = 'internal', resource: of = 1 }) =>
        span(id, parent, start, duration, { kind, resource: resource(`r${of}`) }),
      ),
    );
    const start = tree.nodes[0]!.offset;
    const told = criticalPath(tree.nodes[0]).map(
      ({ node, from, to }) => `${node.span.spanId} ${from - start}..${to - start}`,
    );
    expect(told).toEqual(critical);
    for (const node of tree.nodes) expect(clockShift(node), node.span.spanId).toBe(shifts[node.span.spanId] ?? 0);
  });
});

describe('the critical path', () => {
  it('adds up to the root, whatever hangs below it', () => {
    const tree = buildTree([
      span('a', '', 0, 100),
      span('b', 'a', 10, 30),
      span('c', 'a', 20, 60),
      span('d', 'c', 70, 50),
      span('e', 'gone', 200, 50),
    ]);
    const steps = criticalPath(tree.nodes[0]);
    expect(steps.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(100);
    steps.slice(1).forEach((step, i) => expect(step.from).toBe(steps[i]!.to));
    expect([...stepsByNode(steps).keys()].toSorted((a, b) => a - b)).not.toContain(4);
  });

  it('is reckoned of a chain and of a fan of twenty thousand spans', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => span(`c${i}`, i === 0 ? '' : `c${i - 1}`, i, 40_000 - i));
    expect(criticalPath(buildTree(chain).nodes[0])).toHaveLength(20_000);
    const fan = Array.from({ length: 20_000 }, (_, i) =>
      span(`f${i}`, i === 0 ? '' : 'f0', i * 2, i === 0 ? 40_000 : 1),
    );
    const steps = criticalPath(buildTree(fan).nodes[0]);
    expect(steps.reduce((sum, { from, to }) => sum + to - from, 0)).toBe(40_000);
    // However many there are, no more are drawn than can be told apart.
    expect(drawnSteps(steps, 0, 40_000, 20).length).toBeLessThan(2_000);
    expect(drawnSteps(steps, 100, 110, 0.005).every(({ from, to }) => to > 100 && from < 110)).toBe(true);
  });

  it('is none of a trace without spans', () => {
    expect(criticalPath(undefined)).toEqual([]);
  });
});

describe('causes', () => {
  const error = { status: 'error' as const };
  const names = (...spans: Span[]) => causesOf(buildTree(spans)).map((n) => n.span.spanId);

  it('are the last of the chain of failures', () => {
    expect(
      names(
        span('a', '', 0, 50, error),
        span('b', 'a', 1, 20, error),
        span('c', 'b', 2, 5, error),
        span('d', 'b', 8, 5),
      ),
    ).toEqual(['c']);
  });

  it('are, of several tries, the last one', () => {
    expect(
      names(span('a', '', 0, 50, error), span('try 1', 'a', 1, 5, error), span('try 2', 'a', 10, 5, error)),
    ).toEqual(['try 2']);
  });

  it('are found below a span that says nothing of its own', () => {
    expect(names(span('a', '', 0, 50, error), span('b', 'a', 1, 20), span('c', 'b', 2, 5, error))).toEqual(['c']);
  });

  it('are one for each failure that nothing above failed by', () => {
    expect(
      names(
        span('a', '', 0, 50),
        span('b', 'a', 1, 5, error),
        span('c', 'a', 10, 20, error),
        span('d', 'c', 12, 3, error),
      ),
    ).toEqual(['b', 'd']);
    expect(names(span('a', '', 0, 50))).toEqual([]);
  });
});

describe('who takes part', () => {
  const text = (key: string, value: string) => ({ key, value: { type: 'string', value } as const });

  it('are services, and what sent no spans', () => {
    const { nodes, edges } = participants(
      buildTree([
        span('a', '', 0, 50, { service: 'web', resource: resource('web') }),
        span('b', 'a', 1, 20, { service: 'web', resource: resource('web'), kind: 'client' }),
        span('c', 'b', 2, 18, { service: '__proto__', resource: resource('__proto__'), kind: 'server' }),
        span('d', 'c', 3, 5, {
          ...{ service: '__proto__', resource: resource('__proto__'), kind: 'client', status: 'error' },
          attributes: [text('db.system.name', 'postgresql'), text('db.namespace', 'shop')],
        }),
      ]),
    );
    expect(nodes.map(({ name, type, spans, errors }) => [name, type, spans, errors])).toEqual([
      ['web', 'service', 2, 0],
      ['__proto__', 'service', 2, 1],
      ['postgresql shop', 'database', 1, 1],
    ]);
    expect(
      edges.map(({ source, target, calls, errors, duration }) => [source, target, calls, errors, duration]),
    ).toEqual([
      ['service web', 'service __proto__', 1, 0, 18],
      ['service __proto__', 'database postgresql shop', 1, 1, 5],
    ]);
  });

  it('call themselves by another process only', () => {
    const own = (instance: string) => ({ service: 'web', resource: resource('web', instance) });
    const calls = (instance: string) =>
      participants(buildTree([span('a', '', 0, 50, own('1')), span('b', 'a', 1, 20, own(instance))])).edges.length;
    expect([calls('1'), calls('2')]).toEqual([0, 1]);
  });
});

describe('self time', () => {
  it('is where no child runs', () => {
    const tree = buildTree([
      span('a', '', 0, 100),
      span('b', 'a', 10, 20),
      span('c', 'a', 20, 30),
      span('d', 'a', 90, 40),
    ]);
    expect(selfParts(tree.nodes[0]!, 0)).toEqual([
      { from: 0, to: 10 },
      { from: 50, to: 90 },
    ]);
    expect(selfParts(tree.nodes[0]!, 20)).toEqual([{ from: 50, to: 90 }]);
    expect(selfParts(tree.nodes[1]!, 0)).toEqual([{ from: 10, to: 30 }]);
  });
});
