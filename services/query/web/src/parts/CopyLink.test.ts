import { expect, it } from 'vitest';
import { rangeFromSearch } from '../time/range';
import { pinnedAddress } from './CopyLink';

const now = Date.UTC(2026, 10, 28, 12);

it('links to the times that are shown', () => {
  const ends = 'from=2026-11-28T11:00:00.000Z&to=2026-11-28T12:00:05.000Z';
  expect(pinnedAddress('/traces', rangeFromSearch({}), now)).toBe(`/traces?${ends}`);
  expect(pinnedAddress('/traces?q=a+=+b&range=6h', rangeFromSearch({ range: '6h' }), now)).toBe(
    '/traces?q=a+=+b&from=2026-11-28T06:00:00.000Z&to=2026-11-28T12:00:05.000Z',
  );
  const fixed = '/logs?from=2026-11-20T10:00:00.000Z&to=2026-11-20T11:00:00.000Z#x';
  const range = rangeFromSearch({ from: '2026-11-20T10:00:00.000Z', to: '2026-11-20T11:00:00.000Z' });
  expect(pinnedAddress(fixed, range, now)).toBe(fixed);
});
