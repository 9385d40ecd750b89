import { describe, expect, it } from 'vitest';
import type { Answer, Completeness } from '../api/model';
import { freshnessOf } from './fresh';
import { FreshnessCard } from './Freshness';
import { LossNote } from './LossNote';
import { rendered, texts } from './rendered';

const answer = (completeness: Partial<Completeness>, incomplete?: string): Answer<unknown> => ({
  data: [],
  completeness: {
    watermark: undefined,
    lagMillis: undefined,
    pending: undefined,
    deadLetters: undefined,
    lost: undefined,
    ...completeness,
  },
  stats: { elapsedMillis: 0, itemsScanned: 0, segmentsRead: 0, segmentsPruned: 0, bytesRead: 0 },
  incomplete,
});
// As local time, in which the page shows it.
const lost = { from: new Date(2026, 10, 23, 9, 0, 7), to: new Date(2026, 10, 23, 9, 5, 30) };

describe('how complete an answer is', () => {
  it('says what was lost of its range, from when to when', () => {
    const note = rendered(<LossNote answer={answer({ lost })} />);
    expect(note).toContain('role="status"');
    expect(texts(note).join('')).toMatch(
      /store was lost: some of what was accepted from 23 Nov( \d+)? 09:00:07 to 23 Nov( \d+)? 09:05:30 may be missing/,
    );
  });

  it('says nothing of a loss where nothing was lost, or nothing is known yet', () => {
    expect(rendered(<LossNote answer={answer({ lagMillis: 5 })} />)).toBe('');
    expect(rendered(<LossNote answer={undefined} />)).toBe('');
  });

  it('is a warning beside the range while something was lost, and live elsewhere', () => {
    const told = (of: Answer<unknown>) => freshnessOf({ answer: of, standing: undefined, every: 10, now: 0 });
    expect(told(answer({ lagMillis: 5, lost }))).toEqual({ tone: 'warn', label: 'Some was lost' });
    expect(told(answer({ lagMillis: 5, lost }, 'too many segments')).label).toBe('Partial answer');
    expect(told(answer({ lagMillis: 5 }))).toEqual({ tone: 'good', label: 'Live' });
  });

  it('is told in full on a click', () => {
    const card = texts(
      rendered(
        <FreshnessCard
          answer={{
            ...answer({ lagMillis: 1_200, pending: 3, deadLetters: 2, watermark: lost.from }, 'too many segments'),
            stats: { elapsedMillis: 12, itemsScanned: 20_000, segmentsRead: 5, segmentsPruned: 7, bytesRead: 4_200 },
          }}
        />,
      ),
    ).join(' ');
    for (const part of [
      'It was cut: too many segments.',
      '09:00:07.000',
      '3 messages',
      '2 batches',
      '1.2 s',
      '20k',
      '4.2 kB',
      '12 ms',
    ]) {
      expect(card).toContain(part);
    }
  });
});
