// What the head over a list says of figures: how many there are, and of which part of the range.

import type { Answer, Figures } from '../api/model';
import { formatDuration } from '../time/duration';
import { instantToMillis } from '../time/instant';
import type { Bounds } from '../time/range';
import { plural } from './number';

/** "14,382 traces", or at least so many. */
export const countText = (answer: Answer<Figures>, one: string, many: string): string =>
  `${answer.incomplete === undefined ? '' : 'at least '}${plural(answer.data.total.items, one, many)}`;

/** What figures are over: "1 h", "the 20 min with data", "the newest 5 min, which was looked at". */
export function lookedAt(figures: Answer<Figures>, bounds: Bounds): string {
  const { covered } = figures.data;
  const asked = (instantToMillis(bounds.to) - instantToMillis(bounds.from)) / 1000;
  // The range reaches a little past now; that is no part without data.
  const whole = covered.seconds > asked - 60 && covered.seconds > asked * 0.98;
  const length = formatDuration(
    covered.seconds >= 60 ? Math.round(covered.seconds / 60) * 60e9 : covered.seconds * 1e9,
  );
  if (figures.incomplete !== undefined) return `the newest ${length}, which was looked at`;
  return whole ? length : `the ${length} with data`;
}
