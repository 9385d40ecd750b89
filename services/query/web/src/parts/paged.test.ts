import { describe, expect, it } from 'vitest';
import type { Page } from '../api/model';
import { PagedList } from './paged';
import { newerThan } from './pages';

const size = 100;
const page = (n: number, of: number) =>
  ({
    data: Array.from({ length: size }, (_, i) => n * size + i),
    next: n + 1 < of ? String(n + 1) : undefined,
  }) as unknown as Page<number>;

function list(of: number, fails: () => boolean = () => false) {
  const asked: string[] = [];
  const paged = new PagedList(page(0, of), (cursor) => {
    asked.push(cursor);
    return fails() ? Promise.reject(new Error('away')) : Promise.resolve(page(Number(cursor), of));
  });
  const settle = () => new Promise((done) => setTimeout(done, 0));
  return { paged, asked, settle };
}

describe('a list of pages', () => {
  it('asks for more when its end comes near, once', async () => {
    const { paged, asked, settle } = list(5);
    expect(paged.snapshot()).toMatchObject({ length: 100, hasMore: true, loading: false });
    paged.see(30, 60); // 50 ahead reach beyond the first hundred
    paged.see(31, 61);
    expect(paged.snapshot().loading).toBe(true);
    await settle();
    expect(asked).toEqual(['1']);
    expect(paged.snapshot()).toMatchObject({ length: 200, hasMore: true, loading: false });
    expect(paged.snapshot().at(150)).toBe(150);
    paged.see(0, 20);
    await settle();
    expect(asked).toEqual(['1']);
  });

  it('forgets what is long out of sight, and has it again', async () => {
    const of = 60;
    const { paged, asked, settle } = list(of);
    while (paged.snapshot().hasMore) {
      const { length } = paged.snapshot();
      paged.see(length - 20, length - 1);
      await settle();
    }
    const all = paged.snapshot();
    expect(all.length).toBe(of * size);
    const here = Array.from({ length: all.length }, (_, i) => all.at(i)).filter((item) => item !== undefined);
    expect(here.length).toBeLessThanOrEqual(12 * size);
    expect(all.at(2_050)).toBeUndefined();
    asked.length = 0;
    paged.see(2_040, 2_060);
    await settle();
    expect(asked).toEqual(['19', '20', '21']);
    expect(paged.snapshot().at(2_050)).toBe(2_050);
    expect(paged.snapshot().length).toBe(of * size);
    expect(paged.snapshot().at(0)).toBe(0);
  });

  it('says what went wrong, keeps what it has, and does not ask again until it is told to', async () => {
    let away = true;
    const { paged, asked, settle } = list(3, () => away);
    paged.see(0, 50);
    await settle();
    expect(paged.snapshot()).toMatchObject({ length: 100, error: new Error('away') });
    paged.see(0, 60);
    await settle();
    expect(asked).toHaveLength(1);
    away = false;
    paged.retry();
    await settle();
    expect(paged.snapshot()).toMatchObject({ length: 200, error: undefined });
  });

  it('asks again for a page in the middle that it could not have', async () => {
    let away = false;
    const { paged, settle } = list(60, () => away);
    for (let i = 0; i < 30; i++) {
      paged.see(i * size, i * size + 60);
      await settle();
    }
    away = true;
    paged.see(300, 340);
    await settle();
    expect(paged.snapshot().at(310)).toBeUndefined();
    away = false;
    paged.retry();
    await settle();
    expect(paged.snapshot().at(310)).toBe(310);
    expect(paged.snapshot().error).toBeUndefined();
  });

  it('stops what is under way when nobody looks any more, and goes on for who does again', async () => {
    const signals: AbortSignal[] = [];
    const settle = () => new Promise((done) => setTimeout(done, 0));
    const paged = new PagedList(page(0, 3), (_, signal) => {
      signals.push(signal);
      return settle().then(() => page(1, 3));
    });
    paged.see(0, 60);
    paged.end();
    expect(signals.map((signal) => signal.aborted)).toEqual([true]);
    expect(paged.snapshot()).toMatchObject({ length: 100, loading: false, error: undefined });
    await settle();
    await settle();
    expect(paged.snapshot().length).toBe(100);
    paged.see(0, 60);
    await settle();
    await settle();
    expect(paged.snapshot()).toMatchObject({ length: 200, loading: false });
  });
});

describe('what is new', () => {
  const items = (of: string[], hasMore = true) => ({ length: of.length, at: (i: number) => of[i], hasMore });
  const self = (item: string) => item;

  it('is what the list on screen does not begin with', () => {
    expect(newerThan(items(['c', 'b', 'a']), items(['e', 'd', 'c', 'b']), self)).toEqual({ count: 2, atLeast: false });
    expect(newerThan(items(['a']), items(['a']), self)).toEqual({ count: 0, atLeast: false });
  });

  it('is at least a page where nothing of a page is known', () => {
    expect(newerThan(items(['a']), items(['c', 'b']), self)).toEqual({ count: 2, atLeast: true });
    expect(newerThan(items(['a']), items(['c', 'b'], false), self)).toEqual({ count: 2, atLeast: false });
  });
});
