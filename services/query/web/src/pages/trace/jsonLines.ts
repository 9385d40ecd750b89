// JSON as lines that can be read.

/** So much is laid out in lines; what is larger is shown as it came, from its beginning. */
export const mostLaidOut = 4_000_000;
/** Characters of a line of what is shown as it came. */
const width = 200;

/** The lines of a text, and how many characters of it are in none. */
export function linesOf(text: string): { lines: string[]; cut: number } {
  if (text.length <= mostLaidOut) {
    try {
      return { lines: JSON.stringify(JSON.parse(text), null, 2).split('\n'), cut: 0 };
    } catch {
      // Lines of JSON, or none at all: as it is.
    }
  }
  const shown = text.slice(0, mostLaidOut);
  const lines: string[] = [];
  for (const line of shown.split('\n')) {
    for (let at = 0; at < Math.max(line.length, 1); at += width) lines.push(line.slice(at, at + width));
  }
  return { lines, cut: text.length - shown.length };
}
