import { expect, it } from 'vitest';
import { baseOf } from './base';

it('is where the scripts are served below', () => {
  expect(baseOf('https://olly.example/assets/index-CTNiE8d3.js')).toBe('');
  expect(baseOf('https://olly.example/olly/assets/index-CTNiE8d3.js')).toBe('/olly');
  expect(baseOf('https://olly.example/a/assets/b/assets/index.js?v=1')).toBe('/a/assets/b');
});
