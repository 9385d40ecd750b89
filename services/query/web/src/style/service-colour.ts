// A service keeps its colour on every page and in every session. Its name's hash chooses the slot; when two known services
// want the same one, the later gets the next free slot, and the choice is remembered (see parts/service-colours.tsx).
// The colours themselves are CSS variables (tokens.css), one set for light and one for dark.

export const slotCount = 20;

/** FNV-1a with a final mix, because names that differ in their last letter must not get neighbouring colours. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  return h >>> 0;
}

/** By the service's name, which may be any text: `__proto__` too. */
export type Slots = ReadonlyMap<string, number>;

/**
 * Gives every name a slot. Names that have one keep it; the others get the slot of their hash, or the next free one, as
 * long as there are free ones. The order of `names` does not matter. Returns `taken` itself when nothing is new.
 */
export function assignSlots(names: readonly string[], taken: Slots): Slots {
  const fresh = names.filter((name) => !taken.has(name));
  if (fresh.length === 0) return taken;
  const slots = new Map(taken);
  const used = new Set(slots.values());
  for (const name of [...new Set(fresh)].sort((a, b) => hash(a) - hash(b) || (a < b ? -1 : 1))) {
    let slot = hash(name) % slotCount;
    if (used.size < slotCount) while (used.has(slot)) slot = (slot + 7) % slotCount; // 7 and 20 are coprime: visits all
    slots.set(name, slot);
    used.add(slot);
  }
  return slots;
}

/** A CSS colour for the service, following the theme. */
export function serviceColour(service: string, slots: Slots): string {
  return `var(--service-${slots.get(service) ?? hash(service) % slotCount})`;
}

/** Of so many services the slots are remembered, the newest; a name that is longer is nobody's to recognise. */
const most = 1_000;
const longest = 200;

/** The slots as text, to be remembered. */
export const slotsToText = (slots: Slots): string =>
  JSON.stringify([...slots].filter(([name]) => name.length <= longest).slice(-most));

/** The slots of a text that slotsToText made; none of any other. */
export function slotsFromText(text: string | null): Slots {
  try {
    const parsed: unknown = JSON.parse(text ?? '[]');
    return new Map(Array.isArray(parsed) ? parsed.filter(isSlot) : []);
  } catch {
    return new Map();
  }
}

const isSlot = (entry: unknown): entry is [string, number] =>
  Array.isArray(entry) &&
  typeof entry[0] === 'string' &&
  Number.isInteger(entry[1]) &&
  entry[1] >= 0 &&
  entry[1] < slotCount;
