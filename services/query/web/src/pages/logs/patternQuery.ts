// The query that finds the records of a pattern, or nearly: the server has no filter by pattern.

import type { Filter } from '../../api/endpoints';

/** Of a template, what stands for anything. */
const placeholder = /<(?:\*|number|time|ip|uuid|hex|quoted)>/;

/** Bytes of an expression; the server takes 1,000. */
const mostBytes = 900;

/** What a template has a blank for. */
const blanks = '[\\x00-\\x20]+';

/** Told of a map, or of a JSON text, that has no message: its keys, in an order that is not its own. */
const ofKeys = /^\{.*\}$/s;

/** What bodies of the pattern match; undefined where they cannot be told by one expression. */
export function filterOf(template: string): Filter | undefined {
  if (ofKeys.test(template)) return undefined;
  const parts = template.split(placeholder).map(literally);
  let expression = '';
  for (const [i, part] of parts.entries()) {
    // Blanks beside a placeholder say nothing more.
    const next = expression + (i === 0 ? '' : '.*') + part;
    if (new TextEncoder().encode(next).length > mostBytes) break;
    expression = next;
  }
  for (let before = ''; before !== expression;) {
    before = expression;
    for (const nothing of ['.*', blanks]) {
      if (expression.startsWith(nothing)) expression = expression.slice(nothing.length);
      if (expression.endsWith(nothing)) expression = expression.slice(0, -nothing.length);
    }
  }
  return expression === '' ? undefined : { field: 'body', operator: 'regex', value: expression };
}

/** As it stands, but for blanks: a template has one for as many bytes as there were that show as nothing. */
const literally = (part: string): string => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replace(/ +/g, blanks);
