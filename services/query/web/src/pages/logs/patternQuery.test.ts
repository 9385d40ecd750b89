import { expect, it } from 'vitest';
import { filterOf } from './patternQuery';

const expression = (template: string) => {
  const filter = filterOf(template);
  return filter !== undefined && 'value' in filter && typeof filter.value === 'string' ? filter.value : undefined;
};

it('finds what stands in a template, with anything where it varies', () => {
  expect(expression('cart <number> not found')).toBe('cart[\\x00-\\x20]+.*[\\x00-\\x20]+not[\\x00-\\x20]+found');
  expect(expression('GET <quoted> took <number>ms (cached)')).toBe(
    'GET[\\x00-\\x20]+.*[\\x00-\\x20]+took[\\x00-\\x20]+.*ms[\\x00-\\x20]+\\(cached\\)',
  );
  expect(expression('<time> <ip> a.b <*>')).toBe('a\\.b');
  const found = new RegExp(expression('user <uuid> paid <number> of "<*>"') ?? '');
  expect(found.test('user 0af7651916cd43dd8448eb211c80319c  paid 12.5 of "all"')).toBe(true);
  expect(found.test('user x paid')).toBe(false);
});

it('cannot tell what is all placeholders, or the keys of a map', () => {
  expect(filterOf('<*>')).toBeUndefined();
  expect(filterOf('<number> <time>')).toBeUndefined();
  expect(filterOf('')).toBeUndefined();
  expect(filterOf('{a: <*>, b: <*>}')).toBeUndefined();
});

it('ends before it is too long for the server', () => {
  const long = expression(`${'é'.repeat(300)} <number> ${'b'.repeat(600)}`);
  expect(long).toBe('é'.repeat(300));
});

it('takes a blank for any bytes that show as nothing, as the server does', () => {
  const found = expression(' [32minfo [39m: started <number>')!;
  expect(found).toBe('\\[32minfo[\\x00-\\x20]+\\[39m:[\\x00-\\x20]+started');
  expect(new RegExp(found).test('\u001b[32minfo\u001b[39m: started 7')).toBe(true);
});
