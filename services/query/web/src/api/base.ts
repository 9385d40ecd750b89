// Where the interface is served: at the root of its host, or below a path (the setting base_path).

/** "" at the root, else the path without a slash at its end: "/olly". Scripts are in the directory `assets` below it. */
export const base: string = import.meta.env.DEV ? '' : baseOf(import.meta.url);

export function baseOf(script: string): string {
  return new URL(script).pathname.replace(/\/assets\/[^/]*$/, '');
}

/** The address of what the server has at a path, for the browser. */
export const at = (path: string): string => base + path;
