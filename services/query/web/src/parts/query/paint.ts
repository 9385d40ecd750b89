// The text of a query in pieces, each with what it is, for its colour.

import type { Query } from '../../filter/query';
import type { Mark } from '../../filter/tree';

export interface Piece {
  text: string;
  as: Mark['as'] | undefined;
  /** Stands where the problem is. */
  wrong: boolean;
}

export function pieces(text: string, query: Query | undefined): Piece[] {
  if (query === undefined) return text === '' ? [] : [{ text, as: undefined, wrong: false }];
  const marks = query.marks.toSorted((a, b) => a.from - b.from);
  const problem = query.ok ? undefined : query.problem;
  const cuts = [
    ...marks.flatMap(({ from, to }) => [from, to]),
    ...(problem === undefined ? [] : [problem.from, problem.to]),
  ];
  const ends = [...new Set([...cuts, text.length])]
    .filter((at) => at > 0 && at <= text.length)
    .toSorted((a, b) => a - b);
  let from = 0;
  return ends.map((to): Piece => {
    const start = from;
    from = to;
    return {
      text: text.slice(start, to),
      as: marks.find((mark) => mark.from <= start && to <= mark.to)?.as,
      wrong: problem !== undefined && problem.from <= start && to <= problem.to,
    };
  });
}
