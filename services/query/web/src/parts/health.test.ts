import { expect, it } from 'vitest';
import { healthOf } from './health';

it('health is the share of requests that fail', () => {
  expect([0, 0.004, 0.005, 0.049, 0.05, 1].map((errorRate) => healthOf({ errorRate }))).toEqual([
    'good',
    'good',
    'some',
    'some',
    'high',
    'high',
  ]);
});
