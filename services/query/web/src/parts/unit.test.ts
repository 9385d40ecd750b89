import { describe, expect, it } from 'vitest';
import { unitOf } from './unit';

const bare = (text: string) => text.replace(/[\u2068\u2069]/g, '');
const said = (n: number, unit: string, perSecond = false) => bare(unitOf(unit, perSecond).format(n));

describe('figures in their units', () => {
  it.each([
    [147_000_000, 'By', '147 MB'],
    [3, 'MiBy', '3.15 MB'],
    [-4_200, 'By', '-4.2 kB'],
    [0.000337, 's', '337 µs'],
    [0.25, 'ns', '0.25 ns'],
    [12.5, 'ms', '12.5 ms'],
    [90, 'min', '1h 30m'],
    [93.42, '%', '93.42 %'],
    [12, '{request}', '12 request'],
    [0.42, '1', '0.42'],
    [0.42, '', '0.42'],
    [1_500, 'By/s', '1.5 kB/s'],
    [7, 'furlong', '7 furlong'],
    [NaN, 's', 'NaN'],
  ])('%d of %s is %s', (n, unit, text) => expect(said(n, unit)).toBe(text));

  it('are told a second', () => {
    expect(said(1_200_000, 'By', true)).toBe('1.2 MB/s');
    expect(said(12.4, '{request}', true)).toBe('12.4 request/s');
    expect(said(12.4, '1', true)).toBe('12.4/s');
    expect(unitOf('By').name).toBe('');
    expect(unitOf('By', true).name).toBe('per second');
    expect(bare(unitOf('{request}', true).name)).toBe('request/s');
    expect(bare(unitOf('{request}', true).short(12.4))).toBe('12.4');
  });

  it('of hostile names are short, and end where they end', () => {
    const text = unitOf('\u202e'.repeat(5_000)).format(1);
    expect(text.length).toBeLessThan(300);
    expect(text).not.toContain('\u202e');
    expect(text.endsWith('\u2069')).toBe(true);
  });
});
