import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { momentFromText, momentToText } from './moment';
import { tellTimesIn } from './zone';

const now = Date.UTC(2026, 10, 28, 12, 0, 0);
const utc = (...of: [number, number, number, number?, number?, number?, number?]) =>
  Date.UTC(of[0], of[1] - 1, ...(of.slice(2) as [number]));

describe('a moment that is typed', () => {
  beforeEach(() => tellTimesIn('Europe/Berlin')); // UTC+1 then
  afterEach(() => tellTimesIn(undefined));

  it.each([
    ['now', now],
    ['now-2h', now - 7_200_000],
    ['- 90m', now - 5_400_000],
    ['15 min ago', now - 900_000],
    ['9:05', utc(2026, 11, 28, 8, 5)],
    ['14:03:27.482', utc(2026, 11, 28, 13, 3, 27, 482)],
    ['2026-11-23', utc(2026, 11, 22, 23)],
    ['2026-11-23 14:03', utc(2026, 11, 23, 13, 3)],
    ['2026-11-23T14:03:27', utc(2026, 11, 23, 13, 3, 27)],
    ['2026-07-01 14:00', utc(2026, 7, 1, 12)],
    ['2026-11-23T14:03:27.123456789Z', utc(2026, 11, 23, 14, 3, 27, 123)],
    ['2026-11-23 14:03:27 +0530', utc(2026, 11, 23, 8, 33, 27)],
    ['2026-11-23 14:03:27 UTC', utc(2026, 11, 23, 14, 3, 27)],
    ['yesterday', utc(2026, 11, 26, 23)],
    ['Yesterday 9:00', utc(2026, 11, 27, 8)],
    ['28 Nov 14:03', utc(2026, 11, 28, 13, 3)],
    ['3. December', utc(2025, 12, 2, 23)],
    ['3 Dec 2024, 10:00', utc(2024, 12, 3, 9)],
    ['1764338607', 1_764_338_607_000],
    ['1764338607482', 1_764_338_607_482],
    ['1764338607482019357', 1_764_338_607_482],
  ])('%j is read', (text, millis) => expect(momentFromText(text, now)).toBe(millis));

  it.each([
    '',
    'soon',
    '25:00',
    '12:60',
    '2026-02-30',
    '2026-13-01',
    '31 Foo',
    'now-',
    'now-soon',
    '123',
    '-',
    'now-9999999999h',
    '1960-01-01T00:00:00Z',
  ])('%j is none', (text) => expect(momentFromText(text, now)).toBeUndefined());

  it('is written as it can be read again, in the hour that comes twice as well', () => {
    const twice = [utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)];
    expect(twice.map(momentToText)).toEqual(['2026-10-25 02:30:00', '2026-10-25 02:30:00 +01:00']);
    for (const millis of [now, now + 482, utc(2026, 7, 1, 12), ...twice]) {
      expect(momentFromText(momentToText(millis), now)).toBe(millis);
    }
    expect(momentToText(now)).toBe('2026-11-28 13:00:00');
  });
});
