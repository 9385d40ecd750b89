// Preferences that outlive a page: theme, widths, refresh interval. Storage may be forbidden or full; then they do not.

export function load(key: string): string | null {
  try {
    return localStorage.getItem(`olly.${key}`);
  } catch {
    return null;
  }
}

export function save(key: string, value: string): void {
  try {
    localStorage.setItem(`olly.${key}`, value);
  } catch {
    // A preference lost at the next visit is no reason to stop now.
  }
}
