import { describe, expect, it } from 'vitest';
import { Queue } from './queue';

describe('a queue', () => {
  const ends: (() => void)[] = [];
  const begun: string[] = [];
  const act = (name: string) => () => {
    begun.push(name);
    return new Promise<string>((done) => ends.push(() => done(name)));
  };
  const still = new AbortController().signal;

  it('has so many at work, lets the others wait for their turn, and forgets those that are not wanted any more', async () => {
    const queue = new Queue(2);
    const gone = new AbortController();
    const first = queue.add(still, act('a'));
    const all = [queue.add(still, act('b')), queue.add(gone.signal, act('c')), queue.add(still, act('d'))] as const;
    expect(begun).toEqual(['a', 'b']);
    gone.abort();
    await expect(all[1]).rejects.toThrow();
    ends[0]!();
    expect(await first).toBe('a');
    await Promise.resolve();
    expect(begun).toEqual(['a', 'b', 'd']);
    ends[1]!();
    ends[2]!();
    expect(await Promise.all([all[0], all[2]])).toEqual(['b', 'd']);
    const failed = queue.add(still, () => Promise.reject(new Error('no')));
    await expect(failed).rejects.toThrow('no');
    expect(await queue.add(still, () => Promise.resolve('e'))).toBe('e');
  });
});
