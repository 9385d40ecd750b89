import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveEvent, LogRecord } from '../../api/model';
import { mostShown, mostWaiting, Tail } from './tail';

interface Stream {
  after: string | undefined;
  signal: AbortSignal;
  send: (event: LiveEvent) => void;
  end: () => void;
  fail: (error: Error) => void;
}

class Refused extends Error {}

function tailOf() {
  const streams: Stream[] = [];
  const tail = new Tail(
    (after, signal, on) =>
      new Promise<void>((end, fail) => {
        signal.addEventListener('abort', () => fail(new DOMException('aborted', 'AbortError')));
        streams.push({ after, signal, send: on, end, fail });
      }),
    (error) => error instanceof Refused,
  );
  tail.start();
  return { tail, streams };
}

const log = (n: number): LiveEvent => ({ is: 'log', record: { id: `${n}.0` } as LogRecord });
const ids = (tail: Tail, most = 5) => {
  const standing = tail.snapshot();
  return Array.from({ length: Math.min(standing.length, most) }, (_, i) => standing.at(i)?.id);
};
const send = (stream: Stream | undefined, from: number, count: number) => {
  for (let n = from; n < from + count; n++) stream?.send(log(n));
};
const beat = () => vi.advanceTimersByTimeAsync(300);

beforeEach(() => void vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

describe('the live tail', () => {
  it('shows what comes, the newest first, and keeps no more than it shows', async () => {
    const { tail, streams } = tailOf();
    expect(tail.snapshot().state.is).toBe('connecting');
    streams[0]?.send({ is: 'open' });
    expect(tail.snapshot().state.is).toBe('live');
    send(streams[0], 1, 3);
    expect(tail.snapshot().length).toBe(0);
    await beat();
    expect(ids(tail)).toEqual(['3.0', '2.0', '1.0']);
    for (let n = 0; n < 5; n++) {
      send(streams[0], 100 + n * 1_000, 1_000);
      await beat();
    }
    expect(tail.snapshot().length).toBe(mostShown);
    expect(ids(tail, 1)).toEqual(['5099.0']);
    expect(tail.snapshot().skipped).toBe(0);
    tail.stop();
  });

  it('moves nothing while somebody reads, and tells what waits and what did not fit', async () => {
    const { tail, streams } = tailOf();
    send(streams[0], 1, 2);
    await beat();
    tail.hold(true);
    send(streams[0], 3, 10);
    await beat();
    expect(ids(tail)).toEqual(['2.0', '1.0']);
    expect(tail.snapshot().waiting).toBe(10);
    send(streams[0], 100, 5_000);
    await beat();
    expect(tail.snapshot()).toMatchObject({ waiting: mostWaiting, skipped: 5_010 - mostWaiting });
    tail.release();
    expect(ids(tail, 1)).toEqual(['5099.0']);
    expect(tail.snapshot().waiting).toBe(0);
    send(streams[0], 9_000, 1);
    tail.hold(false);
    expect(ids(tail, 1)).toEqual(['9000.0']);
    tail.stop();
  });

  it('tells what the server left out, and the rate', async () => {
    const { tail, streams } = tailOf();
    streams[0]?.send({ is: 'missed', records: 7, atLeast: false });
    streams[0]?.send({ is: 'missed', records: 1, atLeast: true });
    send(streams[0], 1, 50);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(tail.snapshot()).toMatchObject({ missed: 8, missedAtLeast: true, rate: 5 });
    await vi.advanceTimersByTimeAsync(12_000);
    expect(tail.snapshot().rate).toBe(0);
    tail.clear();
    expect(tail.snapshot()).toMatchObject({ missed: 0, length: 0 });
    tail.stop();
  });

  it('asks for nothing while it is hidden, and goes on after the last record', async () => {
    const { tail, streams } = tailOf();
    send(streams[0], 1, 2);
    tail.hide(true);
    expect(streams[0]?.signal.aborted).toBe(true);
    expect(tail.snapshot().state.is).toBe('hidden');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(streams).toHaveLength(1);
    tail.hide(false);
    expect(streams[1]?.after).toBe('2.0');
    tail.stop();
    expect(streams[1]?.signal.aborted).toBe(true);
  });

  it('comes again where the server went away, more rarely each time, with the last record', async () => {
    const { tail, streams } = tailOf();
    send(streams[0], 1, 1);
    streams[0]?.fail(new Error('gone'));
    await vi.advanceTimersByTimeAsync(0);
    expect(tail.snapshot().state).toMatchObject({ is: 'away' });
    await vi.advanceTimersByTimeAsync(500);
    expect(streams).toHaveLength(2);
    expect(streams[1]?.after).toBe('1.0');
    streams[1]?.fail(new Error('gone'));
    await vi.advanceTimersByTimeAsync(900);
    expect(streams).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(200);
    expect(streams).toHaveLength(3);
    streams[2]?.send({ is: 'end', reason: 'time' });
    streams[2]?.end();
    await vi.advanceTimersByTimeAsync(1);
    expect(streams).toHaveLength(4);
    tail.stop();
  });

  it('ends where it would be refused again', async () => {
    const { tail, streams } = tailOf();
    streams[0]?.fail(new Refused('no such field'));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(streams).toHaveLength(1);
    expect(tail.snapshot().state).toMatchObject({ is: 'refused' });
    tail.stop();
    const access = tailOf();
    access.streams[0]?.send({ is: 'end', reason: 'access' });
    access.streams[0]?.end();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(access.streams).toHaveLength(1);
    expect(access.tail.snapshot().state).toMatchObject({ is: 'refused' });
    access.tail.stop();
  });
});
