// Texts of the data as they may be shown. Anybody who may send decides what a service, a span or a key is called: nothing of it may hide, turn
// what stands beside it around, or need more room than its place has. What is copied, searched by and sent stays as it came.

/** Most characters by place; what is longer ends in "…". */
export const room = {
  /** One line of a list. */
  line: 300,
  /** What appears on hovering. */
  hint: 1_000,
  /** What is read out of a control or a row, and what stands in a chart. */
  label: 120,
  /** The title of a tab. */
  title: 80,
} as const;

/**
 * The text with what would hide made visible: control characters as their pictures (␀), marks that turn the direction of writing, that have no
 * width or that begin lines by name ([U+202E]). Line ends and tabs stay. At most `most` characters of it, which end in "…" where it has more.
 */
export function shownText(text: string, most: number = Infinity): string {
  const end = text.length > most ? cut(text, most) : text.length;
  let shown = '';
  let plainFrom = 0;
  for (let i = 0; i < end; i++) {
    const mark = markOf(text.charCodeAt(i));
    if (mark === undefined) continue;
    shown += text.slice(plainFrom, i) + mark;
    plainFrom = i + 1;
  }
  if (plainFrom === 0 && end === text.length) return text;
  return shown + text.slice(plainFrom, end) + (end < text.length ? '…' : '');
}

/** Where a text ends of which there is room for `most`, with the "…": not within a pair that is one character. */
function cut(text: string, most: number): number {
  const end = Math.max(most - 1, 0);
  const last = text.charCodeAt(end - 1);
  return last >= 0xd800 && last < 0xdc00 ? end - 1 : end;
}

/** Inclusive. Joiners (U+200C, U+200D) stay: Persian and emoji need them. */
const unseen: readonly (readonly [number, number])[] = [
  [0x80, 0x9f], // C1 controls
  [0x61c, 0x61c],
  [0x200b, 0x200b],
  [0x200e, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
];

function markOf(code: number): string | undefined {
  if (code >= 0x20 && code < 0x7f) return undefined;
  if (code < 0x20)
    return code === 0x09 || code === 0x0a || code === 0x0d ? undefined : String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '\u2421';
  if (!unseen.some(([from, to]) => code >= from && code <= to)) return undefined;
  return `[U+${code.toString(16).toUpperCase().padStart(4, '0')}]`;
}

/** For `title`: what appears on hovering. */
export const hint = (text: string): string => shownText(text, room.hint);

/** For `aria-label`, and where text is drawn. */
export const label = (text: string): string => shownText(text, room.label);

/** Where no element can isolate it, as in a drawing: its direction ends with it. */
export const isolated = (text: string, most: number = room.label): string => `\u2068${shownText(text, most)}\u2069`;

/** Whether a text needs more than so many lines of about a hundred characters. */
export function isLong(text: string, lines: number): boolean {
  if (text.length > lines * 100) return true;
  let ends = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) if (++ends >= lines) return true;
  return false;
}
