import { describe, expect, it } from 'vitest';
import { offersFor, type Offer } from './palette';

const offer = (group: string, label: string, more: Partial<Offer> = {}): Offer => ({
  id: `${group} ${label}`,
  group,
  label,
  ...more,
});

const offers = [
  offer('Pages', 'Services'),
  offer('Pages', 'Traces'),
  offer('Services', 'checkout', { note: 'shop' }),
  offer('Services', 'cart', { note: 'shop' }),
  offer('Services', 'shopping-cart'),
  offer('Services', 'descartes'),
  offer('Services', '__proto__'),
  ...Array.from({ length: 20 }, (_, i) => offer('Metrics', `http.server.duration.${i}`)),
  offer('Settings', 'Dark', { words: 'theme colour' }),
];

const labels = (text: string) => offersFor(offers, text, ['Pages', 'Settings']).map(({ label }) => label);

describe('the palette', () => {
  it('offers pages and settings unasked, nothing of the data', () => {
    expect(labels('')).toEqual(['Services', 'Traces', 'Dark']);
    expect(labels('  ')).toEqual(labels(''));
  });

  it('finds by every word, in what it is called and what stands beside it', () => {
    expect(labels('SHOP cart')).toEqual(['shopping-cart', 'cart']);
    expect(labels('theme')).toEqual(['Dark']);
    expect(labels('__proto__')).toEqual(['__proto__']);
    expect(labels('nothing of this')).toEqual([]);
  });

  it('puts first what begins with the text, then what has a word that does', () => {
    expect(labels('cart')).toEqual(['cart', 'shopping-cart', 'descartes']);
  });

  it('shows some of each group', () => {
    expect(labels('http')).toHaveLength(7);
  });
});
