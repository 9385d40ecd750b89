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

export type Slots = Readonly<Record<string, number>>;

/**
 * Gives every name a slot. Names that have one keep it; the others get the slot of their hash, or the next free one, as
 * long as there are free ones. The order of `names` does not matter. Returns `taken` itself when nothing is new.
 */
export function assignSlots(names: readonly string[], taken: Slots): Slots {
  const fresh = names.filter((name) => !Object.hasOwn(taken, name));
  if (fresh.length === 0) return taken;
  const slots: Record<string, number> = { ...taken };
  const used = new Set(Object.values(slots));
  for (const name of [...new Set(fresh)].sort((a, b) => hash(a) - hash(b) || (a < b ? -1 : 1))) {
    let slot = hash(name) % slotCount;
    if (used.size < slotCount) while (used.has(slot)) slot = (slot + 7) % slotCount; // 7 and 20 are coprime: visits all
    slots[name] = slot;
    used.add(slot);
  }
  return slots;
}

/** A CSS colour for the service, following the theme. */
export function serviceColour(service: string, slots: Slots): string {
  return `var(--service-${slots[service] ?? hash(service) % slotCount})`;
}
