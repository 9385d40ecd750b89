// What the page of logs says of the whole range.

import type { Answer, Figures } from '../../api/model';
import { countText, lookedAt } from '../../parts/figureTexts';
import { formatPercent, formatRate } from '../../parts/number';
import type { Bounds } from '../../time/range';

export interface Headline {
  /** "182,003 records", or at least so many. */
  count: string;
  errors: string;
  anyErrors: boolean;
  rate: string;
  over: string;
}

/** The first line of the page. */
export function headline(figures: Answer<Figures>, bounds: Bounds): Headline {
  const { total, covered } = figures.data;
  const errors = total.figures[1] ?? 0;
  return {
    count: countText(figures, 'record', 'records'),
    errors: formatPercent(total.items === 0 ? 0 : errors / total.items),
    anyErrors: errors > 0,
    rate: formatRate(covered.seconds > 0 ? total.items / covered.seconds : 0),
    over: `over ${lookedAt(figures, bounds)}`,
  };
}
