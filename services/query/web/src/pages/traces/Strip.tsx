import { useMemo } from 'react';
import type { Answer, Figures } from '../../api/model';
import { formatPercent, formatRate, plural } from '../../parts/number';
import { TimeChart } from '../../parts/TimeChart';
import { formatDuration } from '../../time/duration';
import type { Bounds } from '../../time/range';
import type { Basis } from './figures';
import { stripLayers, type Bar } from './strip';

interface Props {
  figures: Answer<Figures>;
  basis: Basis;
  bounds: Bounds;
}

/** Rates over the whole range as bars, what failed in red, and the p95 of durations as a line. */
export function Strip({ figures, basis, bounds }: Props) {
  const { bars, rates, durations } = useMemo(() => stripLayers(figures.data), [figures]);
  return (
    <TimeChart
      label={`Rate and errors of ${basis.many} over time, and the p95 of their durations`}
      timeline={figures.data.timeline}
      bounds={bounds}
      height={96}
      bars={rates}
      lines={durations}
      format={formatRate}
      formatLines={formatDuration}
      answer={figures}
      legend={null}
      told={(i) => bars[i] !== undefined && <Told bar={bars[i]} basis={basis} />}
    />
  );
}

function Told({ bar, basis }: { bar: Bar; basis: Basis }) {
  return (
    <>
      <span>{plural(bar.count, basis.one, basis.many)}</span>
      <span>{formatRate(bar.rate)}</span>
      <span>{plural(bar.errors, 'error')}</span>
      <span>{formatPercent(bar.count === 0 ? 0 : bar.errors / bar.count)}</span>
      {bar.p95 !== undefined && (
        <>
          <span>p95</span>
          <span>{formatDuration(bar.p95)}</span>
        </>
      )}
    </>
  );
}
