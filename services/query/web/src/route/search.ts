// The address bar's own format: plain ?key=value pairs that people can read, edit and paste. Repeated keys are lists.

export type Search = Readonly<Record<string, string | readonly string[] | undefined>>;

export function parseSearch(text: string): Search {
  // A plain object has members before it is given any: ?constructor=1 is an address as well.
  const search = new Map<string, string | string[]>();
  for (const [key, value] of new URLSearchParams(text)) {
    const before = search.get(key);
    if (before === undefined) search.set(key, value);
    else if (typeof before === 'string') search.set(key, [before, value]);
    else before.push(value);
  }
  search.delete('__proto__'); // No page has such a parameter, and whoever copies the result would change what the copy is.
  return Object.fromEntries(search);
}

export function stringifySearch(search: Readonly<Record<string, unknown>>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) {
    if (typeof value === 'string') params.append(key, value);
    else if (Array.isArray(value)) for (const item of value) if (typeof item === 'string') params.append(key, item);
  }
  // URLSearchParams escapes more than a query needs; = : , / are what makes a filter readable.
  const text = params
    .toString()
    .replaceAll('%3A', ':')
    .replaceAll('%2F', '/')
    .replaceAll('%2C', ',')
    .replaceAll('%3D', '=');
  return text === '' ? '' : `?${text}`;
}

/** The parameter as one string; of a list its first. Empty counts as absent. */
export function one(search: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = search[key];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' && first !== '' ? first : undefined;
}

/** The parameter as a list, empty when absent. */
export function many(search: Readonly<Record<string, unknown>>, key: string): string[] {
  const value = search[key];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((item): item is string => typeof item === 'string' && item !== '');
}

/** Drops members that are undefined or empty, so that they leave the address. */
export function compact<T extends object>(search: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(search).filter(([, v]) => v !== undefined && v !== '' && !(Array.isArray(v) && v.length === 0)),
  ) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The search without one of its parameters. */
export function without<T extends object, K extends keyof T>(search: T, key: K): Omit<T, K> {
  const rest = { ...search };
  delete rest[key];
  return rest;
}
