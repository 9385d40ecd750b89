import { describe, expect, it } from 'vitest';
import type { DeadLetter, Key, SignalStats } from '../../api/installation';
import { losing, may, rateOf, selectionOf, settingsSearch, stateOf, usageRows } from './settings';

describe('the address of the settings', () => {
  it('names a tab and what is chosen in it, and nothing else', () => {
    expect(settingsSearch({ tab: 'dead-letters', signal: 'logs', code: 'postgres.data', letter: '7' })).toEqual({
      ...{ tab: 'dead-letters', signal: 'logs', code: 'postgres.data', letter: '7' },
    });
    expect(settingsSearch({ tab: 'retention' })).toEqual({});
    for (const tab of ['__proto__', 'constructor', '', 'Keys']) expect(settingsSearch({ tab })).toEqual({});
    for (const letter of ['0', '-1', '1e9', '../keys', '12345678901234567'])
      expect(settingsSearch({ letter, signal: 'toString', all: 'yes' })).toEqual({});
  });
});

describe('what somebody may do', () => {
  it('is what his scopes say; an administrator may what an editor may', () => {
    expect(may(['query'], 'edit')).toBe(false);
    expect(may(['query', 'edit'], 'edit')).toBe(true);
    expect(may(['query', 'edit'], 'admin')).toBe(false);
    expect(may(['admin'], 'edit')).toBe(true);
    expect(may(['admin'], 'query')).toBe(false);
    expect(may([], 'query')).toBe(false);
  });
});

describe('a key', () => {
  const key: Key = {
    ...{ id: 'abcdefghijklmnop', tenant: 'default', name: 'x', scopes: ['ingest'], created_by: '' },
    created_at: '2026-11-01T00:00:00Z',
  };
  const now = Date.parse('2026-11-29T00:00:00Z');
  it('is good until it expires or is revoked', () => {
    expect(stateOf(key, now)).toBe('good');
    expect(stateOf({ ...key, expires_at: '2026-11-29T00:00:01Z' }, now)).toBe('good');
    expect(stateOf({ ...key, expires_at: '2026-11-29T00:00:00Z' }, now)).toBe('expired');
    expect(stateOf({ ...key, expires_at: '2026-11-01T00:00:00Z', revoked_at: '2026-10-01T00:00:00Z' }, now)).toBe(
      'revoked',
    );
  });
});

describe('keeping data for fewer days', () => {
  const now = Date.parse('2026-11-29T15:30:00Z');
  const at = (time: string) => Date.parse(time);
  it('tells what is kept from then on, and how much may go at most', () => {
    expect(losing(3, 7, at('2026-11-23T10:00:00Z'), now)).toEqual({ keptFrom: '2026-11-26', atMost: 3 });
    expect(losing(3, 7, at('2026-11-25T23:59:59Z'), now)).toEqual({ keptFrom: '2026-11-26', atMost: 1 });
    expect(losing(3, 7, at('2026-11-28T00:00:00Z'), now)).toEqual({ keptFrom: '2026-11-26', atMost: 0 });
  });

  it('does not say how much goes where nobody knows, and says nothing where nothing does', () => {
    expect(losing(3, 7, undefined, now)).toEqual({ keptFrom: '2026-11-26', atMost: undefined });
    expect(losing(7, 7, 0, now)).toBeUndefined();
    expect(losing(30, 7, 0, now)).toBeUndefined();
  });
});

describe('figures', () => {
  const of = (oldest: string, newest: string): SignalStats => ({
    signal: 'traces',
    total: { segments: 1, items: 1200, bytes: 1, oldest_unix_nano: oldest, newest_unix_nano: newest },
    levels: [],
    unmerged: { segments: 0, items: 0, bytes: 0 },
    completeness: {},
  });
  it('tell a rate where there is time enough for one', () => {
    expect(rateOf(of('1764338600000000000', '1764338720000000000'))).toBe(10);
    expect(rateOf(of('1764338600000000000', '1764338630000000000'))).toBeUndefined();
    expect(rateOf(of('0', '0'))).toBeUndefined();
  });

  it('of usage stand with the newest day first, and add up but for series', () => {
    const day = (day: string, signal: 'traces' | 'metrics', items: number, series = 0) => ({
      ...{ tenant: '__proto__', day, signal, items, bytes: items * 10, series },
    });
    const { rows, totals } = usageRows({
      usage: [day('2026-11-27', 'metrics', 5, 3), day('2026-11-28', 'metrics', 7, 2), day('2026-11-28', 'traces', 1)],
    });
    expect(rows.map((row) => `${row.day} ${row.signal}`)).toEqual([
      ...['2026-11-28 traces', '2026-11-28 metrics', '2026-11-27 metrics'],
    ]);
    expect(totals.map(({ signal, items, bytes, series }) => [signal, items, bytes, series])).toEqual([
      ['traces', 1, 10, 0],
      ['metrics', 12, 120, 3],
    ]);
  });
});

describe('what is done with dead letters', () => {
  it('is done with those that are listed and no later ones', () => {
    const letters = [{ sequence: 4 }, { sequence: 9 }] as DeadLetter[];
    expect(selectionOf({ signal: 'logs' }, letters)).toEqual({ signal: 'logs', through: 9 });
    expect(selectionOf({}, [])).toEqual({ through: 0 });
  });
});
