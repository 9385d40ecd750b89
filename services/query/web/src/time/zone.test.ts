import { afterEach, describe, expect, it } from 'vitest';
import { clockTicks } from './axis';
import { formatClock, formatDay, formatInstant, formatOtherDay, instantFromMillis } from './instant';
import { rangeLabel } from './range';
import { allZones, isZone, localClock, momentOf, offsetAt, offsetText, tellTimesIn, wallClock } from './zone';

afterEach(() => tellTimesIn(undefined));

const noon = Date.UTC(2026, 10, 28, 12, 0, 0);

describe('the zone that times are told in', () => {
  it.each([
    ['UTC', '12:00:00', 'UTC'],
    ['Asia/Kolkata', '17:30:00', 'UTC+5:30'],
    ['America/New_York', '07:00:00', 'UTC−5'],
    ['Asia/Kathmandu', '17:45:00', 'UTC+5:45'],
  ])('%s shows %s at noon', (zone, clock, offset) => {
    tellTimesIn(zone);
    expect(formatClock(instantFromMillis(noon), 0)).toBe(clock);
    expect(offsetText(noon)).toBe(offset);
  });

  it('is the browser’s own unless one is chosen', () => {
    expect(offsetAt(noon)).toBe(-new Date(noon).getTimezoneOffset() * 60_000);
    tellTimesIn('Asia/Tokyo');
    tellTimesIn(undefined);
    expect(offsetAt(noon)).toBe(-new Date(noon).getTimezoneOffset() * 60_000);
  });

  it('decides which day it is', () => {
    const late = Date.UTC(2026, 10, 28, 20);
    tellTimesIn('Asia/Tokyo');
    expect(formatDay(instantFromMillis(late), new Date(noon))).toBe('29 Nov');
    expect(formatOtherDay(instantFromMillis(late), new Date(noon))).toBe('29 Nov');
    expect(formatOtherDay(instantFromMillis(late), new Date(late))).toBe('');
    tellTimesIn('UTC');
    expect(formatInstant(instantFromMillis(late), 0, new Date(noon))).toBe('28 Nov 20:00:00');
    expect(rangeLabel({ kind: 'fixed', from: new Date(noon), to: new Date(late) }, new Date(noon))).toBe(
      '28 Nov 12:00 – 20:00',
    );
  });

  it('puts ticks at its own round hours', () => {
    tellTimesIn('Asia/Kolkata');
    expect(clockTicks(noon, noon + 3 * 3_600_000, 3).map((tick) => tick.label)).toEqual(['18:00', '19:00', '20:00']);
    tellTimesIn('UTC');
    expect(clockTicks(noon, noon + 3 * 3_600_000, 3).map((tick) => tick.label)).toEqual([
      '12:00',
      '13:00',
      '14:00',
      '15:00',
    ]);
  });

  it('goes there and back, also where clocks are changed', () => {
    tellTimesIn('Europe/Berlin');
    expect(momentOf(2026, 7, 1, 12)).toBe(Date.UTC(2026, 6, 1, 10));
    expect(momentOf(2026, 12, 1, 12)).toBe(Date.UTC(2026, 11, 1, 11));
    // 02:30 comes twice on 25 October, and not at all on 29 March.
    expect(momentOf(2026, 10, 25, 2, 30)).toBe(Date.UTC(2026, 9, 25, 0, 30));
    expect(momentOf(2026, 3, 29, 2, 30)).toBe(Date.UTC(2026, 2, 29, 1, 30));
    expect(momentOf(2026, 3, 29, 3, 30)).toBe(Date.UTC(2026, 2, 29, 1, 30));
    expect(wallClock(Date.UTC(2026, 9, 25, 0, 59, 59)).getUTCHours()).toBe(2);
    expect(wallClock(Date.UTC(2026, 9, 25, 1, 0, 0)).getUTCHours()).toBe(2);
    expect(wallClock(Date.UTC(2026, 9, 25, 2, 0, 0)).getUTCHours()).toBe(3);
  });

  it('marks each day once where the clocks are changed, at its midnight', () => {
    tellTimesIn('Europe/Berlin');
    const days = clockTicks(momentOf(2026, 10, 22), momentOf(2026, 10, 29), 8);
    expect(days.map((tick) => tick.label.split(' ')[0])).toEqual(['22', '23', '24', '25', '26', '27', '28', '29']);
    const hours = clockTicks(momentOf(2026, 3, 29), momentOf(2026, 3, 29, 6), 6);
    expect(hours.map((tick) => tick.label)).toEqual(['00:00', '01:00', '03:00', '04:00', '05:00', '06:00']);
  });

  it('is what libraries show that know only the browser’s', () => {
    for (const zone of ['UTC', 'Asia/Kolkata', 'America/New_York']) {
      tellTimesIn(zone);
      for (let hour = 0; hour < 48; hour++) {
        const at = Date.UTC(2026, 2, 28, hour, 30);
        const [wall, local] = [wallClock(at), localClock(at)];
        // Of the hour that the browser's own zone leaves out there is no such time.
        if (new Date(2026, wall.getUTCMonth(), wall.getUTCDate(), wall.getUTCHours()).getHours() !== wall.getUTCHours())
          continue;
        const told = [local.getDate(), local.getHours(), local.getMinutes()];
        expect(told).toEqual([wall.getUTCDate(), wall.getUTCHours(), wall.getUTCMinutes()]);
      }
    }
  });

  it('is one that there is', () => {
    expect(isZone('Europe/Berlin')).toBe(true);
    for (const name of ['', 'Mars/Olympus', 'browser', '__proto__']) expect(isZone(name)).toBe(false);
    expect(allZones().slice(0, 1)).toEqual(['UTC']);
    expect(allZones().length).toBeGreaterThan(300);
  });

  it('has the name that people look for, where browsers know it by an older one', () => {
    const names = allZones();
    for (const name of ['Asia/Kathmandu', 'Asia/Kolkata', 'Europe/Kyiv']) expect(names).toContain(name);
    for (const name of ['Asia/Katmandu', 'Asia/Calcutta', 'Europe/Kiev']) expect(names).not.toContain(name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !isZone(name))).toEqual([]);
  });
});
