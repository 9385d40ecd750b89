import { describe, expect, it } from 'vitest';
import { assignSlots, serviceColour, slotCount, slotsFromText, slotsToText } from './service-colour';

const none: ReadonlyMap<string, number> = new Map();
const names = Array.from({ length: slotCount }, (_, i) => `service-${i}`);

describe('service colours', () => {
  it('differ between services while there are colours left', () => {
    expect(new Set(assignSlots(names, none).values()).size).toBe(slotCount);
  });

  it('do not depend on the order in which services are listed', () => {
    expect(assignSlots(names.toReversed(), none)).toEqual(assignSlots(names, none));
  });

  it('stay when services join', () => {
    const few = assignSlots(['cart', 'checkout'], none);
    const more = assignSlots(['ad', 'cart', 'checkout', 'email'], few);
    for (const [name, slot] of few) expect(more.get(name)).toBe(slot);
    expect(assignSlots(['cart'], more)).toBe(more);
  });

  it('repeat when there are more services than colours', () => {
    const slots = assignSlots([...names, 'one', 'more'], none);
    expect(Math.max(...slots.values())).toBeLessThan(slotCount);
  });

  it('are there for a service that nobody listed', () => {
    expect(serviceColour('unheard-of', none)).toMatch(/^var\(--service-\d+\)$/);
  });

  it.each(['__proto__', 'constructor', 'toString', '', 'hasOwnProperty'])('are one, and stay, for %j', (name) => {
    const slots = assignSlots(['cart', name], none);
    expect(assignSlots([name, 'cart'], slots)).toBe(slots);
    expect(serviceColour(name, slots)).toBe(`var(--service-${slots.get(name)})`);
    expect(slotsFromText(slotsToText(slots))).toEqual(slots);
  });

  it('are remembered of a bounded number of services, and of nothing that is no slot', () => {
    const many = new Map(Array.from({ length: 3_000 }, (_, i) => [`service-${i}`, i % slotCount]));
    expect(slotsFromText(slotsToText(many)).size).toBe(1_000);
    expect(slotsFromText(slotsToText(many)).has('service-2999')).toBe(true);
    expect(slotsFromText(slotsToText(new Map([['x'.repeat(10_000), 1]]))).size).toBe(0);
    for (const text of [null, '{"cart":1}', '[["cart","1"],[1,2],["a",99],5]', 'nonsense'])
      expect(slotsFromText(text).size).toBe(0);
  });
});
