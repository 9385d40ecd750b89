import { describe, expect, it } from 'vitest';
import { span } from './example';
import { nameOf, nextOf, nodeNamed } from './selection';
import { buildTree } from './tree';

const tree = buildTree([span('a', '', 0, 50), span('b', 'a', 10, 10), span('c', 'a', 20, 5), span('d', 'a', 30, 5)]);
const [a, b, c, d] = tree.nodes;

describe('the name of a span in the address', () => {
  it('is its span id', () => {
    expect(nameOf(tree, b!)).toBe('b');
    expect(nodeNamed(tree, 'b')).toBe(b);
    expect(nodeNamed(tree, 'nobody')).toBeUndefined();
  });

  it('is its own where the trace has the span id twice, and leads back to the same one', () => {
    const twice = buildTree([
      span('a', '', 0, 50),
      span('b', 'a', 10, 10, { id: 'first' }),
      span('b', 'a', 20, 10, { id: 'second' }),
    ]);
    for (const node of twice.nodes) expect(nodeNamed(twice, nameOf(twice, node))).toBe(node);
    expect(nameOf(twice, twice.nodes[2]!)).toBe('second');
  });
});

describe('the next of some spans', () => {
  it('is the nearest below or above the selected one, found or not', () => {
    expect(nextOf([a!, c!, d!], b, 1)).toBe(c);
    expect(nextOf([a!, c!, d!], b, -1)).toBe(a);
    expect(nextOf([a!, c!, d!], c, 1)).toBe(d);
  });

  it('begins at either end where none is selected, and goes round', () => {
    expect(nextOf([b!, d!], undefined, 1)).toBe(b);
    expect(nextOf([b!, d!], undefined, -1)).toBe(d);
    expect(nextOf([b!, d!], d, 1)).toBe(b);
    expect(nextOf([b!, d!], a, -1)).toBe(d);
    expect(nextOf([], a, 1)).toBeUndefined();
  });
});
