// OpenTelemetry values as text.

import type { Attribute, Value } from '../api/model';

/** A value on one line, as a person would write it; structured values as JSON. */
export function valueText(value: Value): string {
  switch (value.type) {
    case 'string':
      return value.value;
    case 'int':
    case 'bool':
    case 'double':
      return String(value.value);
    case 'bytes':
      return value.base64;
    case 'empty':
      return '';
    case 'array':
    case 'map':
      return json(value, undefined, '');
  }
}

/** A value over several lines: maps and arrays indented, strings that are JSON documents too. */
export function valueBlock(value: Value): string {
  if (value.type === 'array' || value.type === 'map') return json(value, '  ', '');
  const text = valueText(value);
  if (value.type === 'string' && /^\s*[[{]/.test(text)) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text;
    }
  }
  return text;
}

/** JSON by hand: JSON.stringify has no bigint, no NaN, and would merge keys that were sent twice. */
function json(value: Value, indent: string | undefined, margin: string): string {
  switch (value.type) {
    case 'string':
      return JSON.stringify(value.value);
    case 'int':
    case 'bool':
      return String(value.value);
    case 'double':
      return Number.isFinite(value.value) ? String(value.value) : `"${value.value}"`;
    case 'bytes':
      return JSON.stringify(value.base64);
    case 'empty':
      return 'null';
    case 'array':
      return list('[', ']', value.items, (item, inner) => json(item, indent, inner), indent, margin);
    case 'map':
      return list(
        '{',
        '}',
        value.entries,
        (entry, inner) => `${JSON.stringify(entry.key)}: ${json(entry.value, indent, inner)}`,
        indent,
        margin,
      );
  }
}

function list<T>(
  open: string,
  close: string,
  items: readonly T[],
  item: (item: T, margin: string) => string,
  indent: string | undefined,
  margin: string,
): string {
  if (items.length === 0) return open + close;
  if (indent === undefined) return `${open}${items.map((i) => item(i, '')).join(', ')}${close}`;
  const inner = margin + indent;
  return `${open}\n${items.map((i) => inner + item(i, inner)).join(',\n')}\n${margin}${close}`;
}

/** What the type column says. */
export const typeLabel: Readonly<Record<Value['type'], string>> = {
  string: 'string',
  int: 'int',
  double: 'double',
  bool: 'bool',
  bytes: 'bytes',
  array: 'array',
  map: 'map',
  empty: 'empty',
};

/** The address a text is, when it is one that is safe to open. */
export function webAddress(text: string): string | undefined {
  return /^https?:\/\/[^\s]+$/i.test(text) && URL.canParse(text) ? text : undefined;
}

export const attribute = (attributes: readonly Attribute[], key: string): Value | undefined =>
  attributes.find((a) => a.key === key)?.value;
