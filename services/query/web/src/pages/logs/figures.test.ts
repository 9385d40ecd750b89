import { expect, it } from 'vitest';
import type { Answer, Figures } from '../../api/model';
import { instantFromMillis } from '../../time/instant';
import { headline } from './figures';

const hour = { from: 0n, to: instantFromMillis(3_600_000) };

const answer = (items: number, errors: number, seconds: number, incomplete?: string) =>
  ({
    data: {
      total: { items, figures: [items, errors] },
      covered: { from: 0n, to: instantFromMillis(seconds * 1000), seconds },
    },
    incomplete,
  }) as unknown as Answer<Figures>;

it('says how many there are of the whole range, how many are errors, and over what', () => {
  expect(headline(answer(182_003, 2_184, 3_600), hour)).toEqual({
    count: '182,003 records',
    errors: '1.2 %',
    anyErrors: true,
    rate: '50.6/s',
    over: 'over 1h',
  });
});

it('says what was not looked at, and divides by nothing where nothing is', () => {
  expect(headline(answer(10, 0, 600, 'too much'), hour)).toMatchObject({
    count: 'at least 10 records',
    over: 'over the newest 10m, which was looked at',
    anyErrors: false,
  });
  expect(headline(answer(0, 0, 0), hour)).toMatchObject({ count: '0 records', errors: '0 %', rate: '0/s' });
});
