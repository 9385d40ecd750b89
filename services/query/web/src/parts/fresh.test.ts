import { describe, expect, it } from 'vitest';
import type { Answer } from '../api/model';
import { freshnessOf } from './fresh';
import type { Standing } from './trouble';

const at = new Date(2026, 10, 28, 14, 3, 12).getTime();
const hour = 3_600_000_000_000n;
const answer = (more: Partial<Answer<unknown>> = {}, lagMillis: number | undefined = 5): Answer<unknown> => ({
  data: [],
  at,
  completeness: { watermark: undefined, lagMillis, pending: undefined, deadLetters: undefined, lost: undefined },
  stats: { elapsedMillis: 0, itemsScanned: 0, segmentsRead: 0, segmentsPruned: 0, bytesRead: 0 },
  incomplete: undefined,
  ...more,
});
const shown = (seconds: number, of = answer(), every = 10, standing?: Standing) =>
  freshnessOf({ answer: of, standing, every, now: at + seconds * 1000 });

describe('how fresh an answer is', () => {
  it('is live while refreshes come, and stale by the clock when they stop', () => {
    expect(shown(1)).toEqual({ tone: 'good', label: 'Live' });
    expect(shown(25)).toEqual({ tone: 'good', label: 'Live' });
    expect(shown(26)).toEqual({ tone: 'warn', label: 'Stale since 14:03:12' });
    expect(shown(100, answer(), 60).label).toBe('Live');
  });

  it('is as of its time where no refresh comes', () => {
    expect(shown(500, answer(), 0)).toEqual({ tone: 'plain', label: 'As of 14:03:12' });
  });

  it('says how far the database is behind the queue', () => {
    expect(shown(1, answer({}, 4_230))).toEqual({ tone: 'good', label: '4.2 s behind' });
    expect(shown(1, answer({}, 40_000))).toEqual({ tone: 'warn', label: '40 s behind' });
    expect(
      freshnessOf({
        answer: { ...answer(), completeness: { ...answer().completeness, lagMillis: undefined } },
        standing: undefined,
        every: 10,
        now: at,
      }),
    ).toEqual({
      tone: 'plain',
      label: 'Lag unknown',
    });
  });

  it('says how much was read of an answer that is cut', () => {
    const bounds = { from: 0n, to: 5n * hour };
    const cut = { incomplete: 'the budget is used up', since: 2n * hour, bounds };
    expect(shown(1, answer(cut)).label).toBe('Partial: 3 of 5 h read');
    expect(
      shown(1, answer({ ...cut, bounds: { from: 0n, to: (hour * 3n) / 2n }, since: hour } as Partial<Answer<unknown>>))
        .label,
    ).toBe('Partial: 30 of 90 min read');
    expect(shown(1, answer({ incomplete: 'more than a page' }))).toEqual({ tone: 'warn', label: 'Partial answer' });
  });

  it('is of less weight than that nothing can be asked', () => {
    const since = at + 3_000;
    const told = { what: 'database', message: '', advice: '' };
    expect(shown(9, answer({ incomplete: 'x' }), 10, { since, trouble: { is: 'server' } })).toEqual({
      tone: 'bad',
      label: 'No answer since 14:03:15, retrying',
    });
    expect(shown(9, answer(), 10, { since, trouble: { is: 'database', ...told } }).label).toBe(
      'Database away since 14:03:15, retrying',
    );
    expect(shown(9, answer(), 10, { since, trouble: { is: 'maintenance', ...told } }).label).toBe(
      'Maintenance since 14:03:15',
    );
    expect(shown(9, answer(), 10, { since, trouble: { is: 'part', ...told } }).label).toBe('Live');
  });
});
