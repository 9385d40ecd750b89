// The keys that move from row to row, the same in every list.

/** The row that a key leads to from row `at` (-1: none yet) of `count`, `page` rows a page; undefined for any other key. */
export function rowByKey(key: string, at: number, count: number, page: number): number | undefined {
  const to = target(key, at, count, page);
  return to === undefined || count === 0 ? undefined : Math.min(Math.max(to, 0), count - 1);
}

function target(key: string, at: number, count: number, page: number): number | undefined {
  switch (key) {
    case 'ArrowDown':
    case 'j':
      return at + 1;
    case 'ArrowUp':
    case 'k':
      return at - 1;
    case 'PageDown':
      return at + page;
    case 'PageUp':
      return at - page;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return undefined;
  }
}
