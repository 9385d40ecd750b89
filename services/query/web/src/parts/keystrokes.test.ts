import { describe, expect, it } from 'vitest';
import { keyNames, meaningOf, type Pending } from './keystrokes';

const known = (keys: string) => ['/', '?', 'g t', 'g l', 'j', 'Mod k'].includes(keys);
const press = (
  key: string,
  pending?: Pending,
  more: { ctrlKey?: boolean; metaKey?: boolean; altKey?: boolean; shiftKey?: boolean } = {},
  now = 1_000,
) => meaningOf({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more }, pending, known, now);

describe('keys', () => {
  it('mean what is known of them, alone and with Ctrl or ⌘', () => {
    expect(press('/').keys).toBe('/');
    expect(press('?').keys).toBe('?');
    expect(press('k').keys).toBeUndefined();
    expect(press('k', undefined, { ctrlKey: true }).keys).toBe('Mod k');
    expect(press('K', undefined, { metaKey: true }).keys).toBe('Mod k');
    expect(press('K', undefined, { ctrlKey: true, shiftKey: true }).keys).toBeUndefined();
    expect(press('?', undefined, { shiftKey: true }).keys).toBe('?');
    expect(press('/', undefined, { altKey: true }).keys).toBeUndefined();
    expect(press('/', undefined, { ctrlKey: true }).keys).toBeUndefined();
  });

  it('mean something after another, for a while', () => {
    const { keys, pending } = press('g');
    expect(keys).toBeUndefined();
    expect(press('t', pending, {}, 2_500)).toEqual({ keys: 'g t', pending: undefined });
    expect(press('t', pending, {}, 9_000).keys).toBeUndefined();
    expect(press('j', pending, {}, 1_500).keys).toBe('j');
    expect(press('x', pending)).toEqual({ keys: undefined, pending: undefined });
  });

  it('are written as on the keyboard', () => {
    expect(keyNames('g t', false)).toEqual(['g', 't']);
    expect(keyNames('Mod k', false)).toEqual(['Ctrl', 'K']);
    expect(keyNames('Mod k', true)).toEqual(['⌘', 'K']);
    expect(keyNames('escape', true)).toEqual(['Esc']);
  });
});
