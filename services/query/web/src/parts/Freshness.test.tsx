import { describe, expect, it } from 'vitest';
import type { Answer, Completeness } from '../api/model';
import { Freshness } from './Freshness';
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

  it('is a warning beside the range while something was lost, and up to date elsewhere', () => {
    const told = rendered(<Freshness answer={answer({ lagMillis: 5, lost })} />);
    expect(told).toContain('data-tone="warn"');
    expect(told).toContain('Some was lost');
    expect(rendered(<Freshness answer={answer({ lagMillis: 5, lost }, 'too many segments')} />)).toContain(
      'Partial answer',
    );
    const well = rendered(<Freshness answer={answer({ lagMillis: 5 })} />);
    expect(well).toContain('data-tone="good"');
    expect(well).toContain('Up to date');
  });
});
