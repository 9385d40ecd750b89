import { Link } from '@tanstack/react-router';
import type { LineExemplar } from '../../api/model';
import { hint } from '../../parts/shown';
import type { Unit } from '../../parts/unit';
import { valueText } from '../../parts/value';
import { formatClock, instantToMillis } from '../../time/instant';
import { compact } from '../../route/search';
import classes from './Exemplars.module.css';

interface Props {
  exemplars: readonly LineExemplar[];
  /** Of what was observed. */
  unit: Unit;
  /** Where a moment and a value are, in fractions from the left and from the bottom. */
  place: (millis: number, value: number) => { x: number; y: number | undefined };
}

/** Observations that were kept with the trace in which they were made: each leads to it. */
export function Exemplars({ exemplars, unit, place }: Props) {
  return exemplars.map((of, i) => {
    const { x, y } = place(instantToMillis(of.time), of.value);
    if (of.traceId === '' || x <= 0 || x >= 1 || y === undefined) return null;
    const said = `${unit.format(of.value)} at ${formatClock(of.time, 0)}`;
    const attributes = of.attributes.slice(0, 8).map(({ key, value }) => `\n${key} = ${valueText(value)}`);
    return (
      <Link
        key={`${of.time} ${of.traceId} ${of.spanId} ${i}`}
        to="/traces/$traceId"
        params={{ traceId: of.traceId }}
        search={compact({ span: of.spanId })}
        className={classes.exemplar}
        style={{ left: `${x * 100}%`, bottom: `${Math.min(Math.max(y, 0), 1) * 100}%` }}
        draggable={false}
        aria-label={`Open the trace of ${said}`}
        title={hint(`${said}, a click opens its trace${attributes.join('')}`)}
      />
    );
  });
}
