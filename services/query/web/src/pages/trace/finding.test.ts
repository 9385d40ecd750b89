import { describe, expect, it } from 'vitest';
import { span } from './example';
import { findNodes } from './finding';
import { buildTree } from './tree';

const tree = buildTree([
  span('GET /cart', '', 0, 50, { service: 'frontend' }),
  span('get cart', 'GET /cart', 10, 10, { service: 'cart' }),
  span('HGET', 'get cart', 12, 2, { service: 'cart' }),
]);
const names = (text: string, service?: string) => findNodes(tree, text, service)?.map((n) => n.span.name);

describe('finding spans', () => {
  it('is by text, by service, or by both', () => {
    expect(names('GET')).toEqual(['GET /cart', 'get cart', 'HGET']);
    expect(names('', 'cart')).toEqual(['get cart', 'HGET']);
    expect(names(' hget ', 'cart')).toEqual(['HGET']);
    expect(names('hget', 'frontend')).toEqual([]);
  });

  it('does not begin before something is looked for', () => {
    expect(names('  ')).toBeUndefined();
  });
});
