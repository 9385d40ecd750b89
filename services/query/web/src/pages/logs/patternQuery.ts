// The query that finds the records of a pattern, or nearly: the server has no filter by pattern.

import type { Filter } from '../../api/endpoints';

/** Of a template, what stands for anything. */
const placeholder = /<(?:\*|number|time|ip|uuid|hex|quoted)>/;

/** Bytes of an expression; the server takes 1,000. */
const mostBytes = 900;

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
  expression = expression.replace(/^(?:\.\*|\\s\+)+|(?:\.\*|\\s\+)+$/g, '');
  return expression === '' ? undefined : { field: 'body', operator: 'regex', value: expression };
}

/** As it stands, but for blanks: a template has one for as many as there were. */
const literally = (part: string): string => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replace(/ +/g, '\\s+');
