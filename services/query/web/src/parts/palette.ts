// What the palette offers for a text that is typed or pasted. Pure.

export interface Offer {
  /** Unique among all that are offered. */
  id: string;
  /** Where it stands. */
  group: string;
  label: string;
  /** What tells it from others that are called alike. */
  note?: string;
  /** What else it is found by. */
  words?: string;
}

/** Most offers of a group. */
const mostOfGroup = 7;

/**
 * The offers in whose texts every word occurs, case aside; of each group the best first: those that begin with what is typed, then those
 * in which a word does. Groups stay in their order. Without a text, all of the groups that are offered unasked.
 */
export function offersFor<T extends Offer>(offers: readonly T[], text: string, unasked: readonly string[]): T[] {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const found = offers
    .filter(({ group }) => words.length > 0 || unasked.includes(group))
    .map((offer) => ({ offer, rank: rankOf(offer, words) }))
    .filter((one): one is { offer: T; rank: number } => one.rank !== undefined);
  const groups = new Map<string, { offer: T; rank: number }[]>();
  for (const one of found) {
    const of = groups.get(one.offer.group);
    if (of === undefined) groups.set(one.offer.group, [one]);
    else of.push(one);
  }
  return [...groups.values()].flatMap((of) =>
    of
      .toSorted((a, b) => a.rank - b.rank)
      .slice(0, mostOfGroup)
      .map(({ offer }) => offer),
  );
}

/** The less the better; undefined where a word does not occur. */
function rankOf({ label, note = '', words: more = '', group }: Offer, words: readonly string[]): number | undefined {
  const name = label.toLowerCase();
  const hay = `${name} ${note} ${more} ${group}`.toLowerCase();
  if (!words.every((word) => hay.includes(word))) return undefined;
  const [first = ''] = words;
  if (name.startsWith(first)) return 0;
  const at = name.indexOf(first);
  if (at < 0) return 3;
  return /[^\p{L}\p{N}]/u.test(name.charAt(at - 1)) ? 1 : 2;
}
