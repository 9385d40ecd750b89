import { describe, expect, it } from 'vitest';
import { assignSlots, serviceColour, slotCount } from './service-colour';

const names = Array.from({ length: slotCount }, (_, i) => `service-${i}`);

describe('service colours', () => {
  it('differ between services while there are colours left', () => {
    expect(new Set(Object.values(assignSlots(names, {}))).size).toBe(slotCount);
  });

  it('do not depend on the order in which services are listed', () => {
    expect(assignSlots(names.toReversed(), {})).toEqual(assignSlots(names, {}));
  });

  it('stay when services join', () => {
    const few = assignSlots(['cart', 'checkout'], {});
    const more = assignSlots(['ad', 'cart', 'checkout', 'email'], few);
    expect(more).toMatchObject(few);
    expect(assignSlots(['cart'], more)).toBe(more);
  });

  it('repeat when there are more services than colours', () => {
    const slots = assignSlots([...names, 'one', 'more'], {});
    expect(Math.max(...Object.values(slots))).toBeLessThan(slotCount);
  });

  it('are there for a service that nobody listed', () => {
    expect(serviceColour('unheard-of', {})).toMatch(/^var\(--service-\d+\)$/);
    expect(serviceColour('constructor', assignSlots(['constructor'], {}))).toMatch(/^var\(--service-\d+\)$/);
  });
});
