import { useMemo } from 'react';
import type { Answer, LineExemplar, MetricLines } from '../../api/model';
import type { Band, Layer } from '../../parts/chartLayout';
import { formatCount } from '../../parts/number';
import { room, shownText } from '../../parts/shown';
import { TimeChart } from '../../parts/TimeChart';
import type { Unit } from '../../parts/unit';
import type { Bounds } from '../../time/range';
import classes from './LineChart.module.css';
import { Exemplars } from './Exemplars';
import { rankedAt, type Line } from './lines';

interface Props {
  label: string;
  answer: MetricLines;
  told: Answer<unknown>;
  bounds: Bounds;
  height: number;
  lines: readonly Line[];
  /** Whether the lines that are not told are drawn as well. */
  others: boolean;
  /** The key of a line that is pointed at elsewhere. */
  hovered: string | undefined;
  unit: Unit;
  anywhere: boolean;
  exemplars: readonly LineExemplar[];
  /** Of what was observed; what is drawn is something else where `observed` is not said. */
  unitOfExemplars: Unit;
  observed: boolean;
}

/** Lines beside the pointer, at most. */
const mostTold = 14;

/** Lines over time, and behind them what all others come to. */
export function LineChart(props: Props) {
  const { label, answer, told, bounds, height, lines, others, hovered, unit, anywhere } = props;
  const { exemplars, unitOfExemplars, observed } = props;
  const other = others ? answer.other : undefined;
  const band = useMemo(
    (): Band | undefined =>
      other === undefined || other.min.length === 0 ? undefined : { label: 'others', low: other.min, high: other.max },
    [other],
  );
  const layers = useMemo((): Layer[] => {
    const told = lines.map(({ key, label: name, colour, values }) => ({
      ...{ label: name, colour, values },
      faint: hovered !== undefined && hovered !== key,
    }));
    const together = other !== undefined && band === undefined ? other.figures : [];
    return [...together.map((values) => ({ label: 'others', colour: 'var(--ink-3)', values, dashed: true })), ...told];
  }, [lines, hovered, other, band]);
  return (
    <div className={classes.chart}>
      <TimeChart
        label={label}
        timeline={answer.timeline}
        bounds={bounds}
        height={height}
        lines={layers}
        band={band}
        anywhere={anywhere}
        format={unit.short}
        answer={told}
        legend={unit.name === '' ? null : <span className={classes.unit}>{unit.name}</span>}
        over={(place) => (
          <Exemplars
            exemplars={exemplars}
            unit={unitOfExemplars}
            // What is not among the figures stands below them.
            place={(millis, value) => (observed ? place(millis, value) : { ...place(millis, 0), y: 0 })}
          />
        )}
        told={(bucket, at) => <Told {...{ lines, bucket, at, unit, band, together: other }} />}
      />
    </div>
  );
}

interface ToldProps {
  lines: readonly Line[];
  bucket: number;
  at: number;
  unit: Unit;
  band: Band | undefined;
  together: MetricLines['other'];
}

/** What a bucket has, the greatest first. */
function Told({ lines, bucket, at, unit, band, together }: ToldProps) {
  const ranked = rankedAt(lines, bucket, at);
  const low = band?.low[bucket];
  const high = band?.high[bucket];
  const sum = together?.figures[0]?.[bucket];
  return (
    <>
      {ranked.slice(0, mostTold).flatMap(({ line, value, nearest }) => [
        <span key={`${line.key} name`} className={classes.name} data-nearest={nearest || undefined}>
          <i style={{ background: line.colour }} />
          <bdi>{shownText(line.label, room.label)}</bdi>
        </span>,
        <span key={line.key} data-nearest={nearest || undefined}>
          {unit.format(value)}
        </span>,
      ])}
      {ranked.length > mostTold && (
        <>
          <span className={classes.name}>and {formatCount(ranked.length - mostTold)} more lines</span>
          <span />
        </>
      )}
      {ranked.length === 0 && (
        <>
          <span className={classes.name}>nothing</span>
          <span />
        </>
      )}
      {together !== undefined && low !== undefined && high !== undefined && (
        <>
          <span className={classes.name}>{formatCount(together.lines)} others, each</span>
          <span>
            {unit.format(low)} to {unit.format(high)}
          </span>
        </>
      )}
      {together !== undefined && sum !== undefined && (
        <>
          <span className={classes.name}>{formatCount(together.lines)} others together</span>
          <span>{unit.format(sum)}</span>
        </>
      )}
    </>
  );
}
