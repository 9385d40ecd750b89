import { describe, expect, it } from 'vitest';
import { instantFromMillis } from '../time/instant';
import { bucketEdges, bucketRates, bucketShares } from './timeline';

const at = (seconds: number) => instantFromMillis(seconds * 1000);
const timeline = { start: at(0), stepSeconds: 60, buckets: 4 };

describe('figures over time', () => {
  it('begin and end at the edges of buckets', () => {
    expect(bucketEdges(timeline)).toEqual([0, 60_000, 120_000, 180_000, 240_000]);
  });

  it('are rates over the part of a bucket that has data', () => {
    const covered = { from: at(30), to: at(200), seconds: 170 };
    expect(bucketRates([30, 60, 0, 20], timeline, covered)).toEqual([1, 1, 0, 1]);
  });

  it('are left out where a bucket has no data, or too little for a rate', () => {
    expect(bucketRates([1, 60, 60, 1], timeline, { from: at(55), to: at(181), seconds: 126 })).toEqual([
      undefined,
      1,
      1,
      undefined,
    ]);
    expect(bucketRates([0, 0, 0, 0], timeline, { from: at(0), to: at(0), seconds: 0 })).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('have a share only where there is a whole', () => {
    expect(bucketShares([1, 0, 0], [4, 2, 0])).toEqual([0.25, 0, undefined]);
  });
});
