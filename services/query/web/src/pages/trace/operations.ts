// The spans of a trace added up by what they did.

import type { Node, Tree } from './tree';

export interface TraceOperation {
  readonly key: string;
  readonly service: string;
  readonly name: string;
  spans: number;
  errors: number;
  /** Nanoseconds, of all of them together; those of unknown duration left out. */
  total: number;
  selfTime: number;
  longest: number;
}

/** One for each service and name of spans, in the order of the tree. */
export function operationsOf(nodes: Tree['nodes']): TraceOperation[] {
  const byName = new Map<string, TraceOperation>();
  for (const { span, selfTime } of nodes) {
    const key = JSON.stringify([span.service, span.name]);
    let known = byName.get(key);
    if (known === undefined) {
      known = { key, service: span.service, name: span.name, spans: 0, errors: 0, total: 0, selfTime: 0, longest: 0 };
      byName.set(key, known);
    }
    known.spans++;
    known.errors += Number(span.status === 'error');
    known.total += span.duration;
    known.selfTime += selfTime;
    known.longest = Math.max(known.longest, span.duration);
  }
  return [...byName.values()];
}

export const meanOf = ({ total, spans }: TraceOperation): number => total / spans;

/** The self time of all spans together: what that of an operation is a part of. */
export const selfTimeOf = (nodes: readonly Node[]): number => nodes.reduce((sum, node) => sum + node.selfTime, 0);
