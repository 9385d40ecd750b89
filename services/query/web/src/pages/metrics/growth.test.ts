import { expect, it } from 'vitest';
import { growthOf } from './growth';

it('tells what grew most, what is new before all others and what is not known after them', () => {
  const of = (series: number, before: number | undefined) => growthOf({ series, before });
  expect([of(150, 100), of(50, 100), of(0, 0), of(1, 0), of(1, undefined)]).toEqual([
    0.5,
    -0.5,
    0,
    Infinity,
    -Infinity,
  ]);
});
