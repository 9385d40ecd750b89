import { expect, it } from 'vitest';
import { changeOf, changeSaid, changeText } from './changes';

it('a change is told against what was before, and only where it is one', () => {
  expect(changeOf(138, 100)).toBeCloseTo(0.38);
  expect(changeOf(40, 100)).toBeCloseTo(-0.6);
  expect(changeOf(104, 100)).toBeUndefined();
  expect(changeOf(0, 0)).toBeUndefined();
  expect(changeOf(5, NaN)).toBeUndefined();
  expect(changeOf(NaN, 5)).toBeUndefined();
});

it('a figure that was nothing and is something has changed', () => {
  const change = changeOf(0.3, 0) ?? NaN;
  expect(change).toBeGreaterThan(0);
  expect(changeText(change)).toBe('▲ from 0');
  expect(changeSaid(change)).toContain('when it was 0');
});

it('a change is written short', () => {
  expect([0.38, -0.6, 8.4, 11.2, -1].map(changeText)).toEqual(['▲ 38 %', '▼ 60 %', '▲ 840 %', '▲ ×12', '▼ 100 %']);
  expect(changeSaid(0.38)).toBe('38 % more than in the period before');
  expect(changeSaid(-0.6)).toBe('60 % less than in the period before');
  expect(changeSaid(11.2)).toBe('12 times as much as in the period before');
});
