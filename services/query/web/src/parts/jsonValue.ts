// Texts that are JSON documents, as values: loggers of many kinds write their whole record so.

import type { Value } from '../api/model';

/** Longer ones are texts: nobody opens a tree of them, and reading one takes long. */
const mostLength = 1 << 20;

/** How deep the server lets values be, and more than anybody opens. */
const mostDepth = 64;

/** A JSON object or list as a value; undefined for every other text. */
export function jsonValue(text: string): Extract<Value, { type: 'map' | 'array' }> | undefined {
  if (text.length > mostLength || !/^\s*[[{]/.test(text)) return undefined;
  try {
    const value = valueOf(JSON.parse(text, numbersAsWritten), 0);
    return value.type === 'map' || value.type === 'array' ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A number as it stands in the text: a double has not every integer of 64 bits. */
class Written {
  constructor(readonly text: string) {}
}

function numbersAsWritten(this: unknown, _: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? new Written(context.source) : value;
}

function valueOf(parsed: unknown, depth: number): Value {
  if (depth > mostDepth) throw new Error('too deep');
  if (parsed === null || parsed === undefined) return { type: 'empty' };
  if (typeof parsed === 'string') return { type: 'string', value: parsed };
  if (typeof parsed === 'boolean') return { type: 'bool', value: parsed };
  if (typeof parsed === 'number') return numberOf(String(parsed));
  if (parsed instanceof Written) return numberOf(parsed.text);
  if (Array.isArray(parsed)) return { type: 'array', items: parsed.map((item) => valueOf(item, depth + 1)) };
  return {
    type: 'map',
    entries: Object.entries(parsed).map(([key, value]) => ({ key, value: valueOf(value, depth + 1) })),
  };
}

const numberOf = (text: string): Value =>
  /^-?\d+$/.test(text) ? { type: 'int', value: BigInt(text) } : { type: 'double', value: Number(text) };
