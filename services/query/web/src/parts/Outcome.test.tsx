import { describe, expect, it } from 'vitest';
import { ApiError } from '../api/client';
import type { Answer } from '../api/model';
import type { Asked } from './answer';
import { Outcome } from './Outcome';
import { rendered, texts } from './rendered';

const answer = (incomplete?: string): Answer<unknown> => ({
  data: [],
  completeness: {
    watermark: undefined,
    lagMillis: undefined,
    pending: undefined,
    deadLetters: undefined,
    lost: undefined,
  },
  stats: { elapsedMillis: 0, itemsScanned: 0, segmentsRead: 0, segmentsPruned: 0, bytesRead: 0 },
  incomplete,
});
const asked: Asked<string[]> = { data: undefined, answer: undefined, error: null };
const away = new ApiError(0, 'network', 'ollyScale does not answer');

const shown = (of: Asked<string[]>) =>
  rendered(
    <Outcome of={of} loading="LOADING" nothing="NOTHING">
      {(items) => `ITEMS ${items.join()}`}
    </Outcome>,
  );

describe('what became of a question', () => {
  it('is loading until there is an answer', () => {
    expect(shown(asked)).toBe('LOADING');
  });

  it('is not waited for once that is cancelled', () => {
    const cancelled = shown({ ...asked, cancelled: true, retry: () => undefined });
    expect(texts(cancelled)).toEqual(['Cancelled before an answer came.', 'Ask again']);
    expect(shown({ ...asked, data: ['a'], answer: answer(), cancelled: true })).toContain('ITEMS a');
  });

  it('is nothing or something once there is one', () => {
    expect(shown({ ...asked, data: [], answer: answer() })).toBe('NOTHING');
    expect(texts(shown({ ...asked, data: ['a', 'b'], answer: answer() }))).toEqual(['ITEMS a,b']);
  });

  it('says that an answer was cut', () => {
    expect(shown({ ...asked, data: ['a'], answer: answer('too many segments') })).toMatch(
      /This answer was cut: too many segments.*ITEMS a<\/div>$/,
    );
  });

  it('is a failure where there is nothing else to show, with a way on where there is one', () => {
    const failed = shown({ ...asked, error: away });
    expect(failed).toContain('role="alert"');
    expect(failed).toContain('ollyScale does not answer');
    expect(failed).not.toContain('Try again');
    expect(shown({ ...asked, error: away, retry: () => undefined })).toContain('Try again');
  });

  it('keeps what is right still when it cannot be asked for again, dimmed and with its time, but not the answer to another question', () => {
    const at = new Date(2026, 10, 28, 14, 3, 12).getTime();
    const items = { ...asked, data: ['a'], answer: { ...answer(), at }, error: away };
    expect(texts(shown(items))).toEqual([
      'This is of 14:03:12. Asking again failed: ollyScale does not answer',
      'ITEMS a',
    ]);
    expect(shown(items)).toContain('data-old');
    expect(shown({ ...items, error: null })).not.toContain('data-old');
    expect(texts(shown({ ...items, retry: () => undefined }))).toContain('Try again');
    expect(shown({ ...items, stale: true })).toContain('role="alert"');
  });
});
