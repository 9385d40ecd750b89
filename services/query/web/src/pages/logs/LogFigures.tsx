import { Skeleton } from '@mantine/core';
import { useMemo, type ReactNode } from 'react';
import { getFigures } from '../../api/endpoints';
import type { Answer, Figures } from '../../api/model';
import { include, standing } from '../../filter/edit';
import { asText, useAnswer } from '../../parts/answer';
import { bySeverity, bySeverityAsked, colourOf, severityLayers, type Severity } from '../../parts/bySeverity';
import { Charted, TryAgain, type AskedFigures } from '../../parts/Figures';
import figures from '../../parts/Figures.module.css';
import { useGrammar } from '../../parts/grammar';
import { IncompleteNote } from '../../parts/IncompleteNote';
import { formatCount, formatRate } from '../../parts/number';
import type { Filters } from '../../parts/query/filters';
import { severities, type SeverityName } from '../../parts/severity';
import { TimeChart } from '../../parts/TimeChart';
import { useQueryText } from '../../route/query';
import type { Bounds } from '../../time/range';
import { stepFor } from '../../time/steps';
import { headline } from './figures';
import classes from './LogFigures.module.css';

const height = 84;

/** How many records there are in the whole range, by severity and over time. */
export function useLogFigures({ data: filters }: Filters): AskedFigures {
  return useAnswer(
    ['log-figures', asText(filters ?? null)],
    (bounds, signal) =>
      getFigures({ ...bySeverityAsked, bounds, filters: filters ?? [], stepSeconds: stepFor(bounds) }, signal),
    filters !== undefined,
  );
}

interface Props {
  of: AskedFigures;
  /** Whether the query can be read; the list says what is wrong with it. */
  readable: boolean;
  /** At the end of the first line. */
  children: ReactNode;
}

export function LogFigures({ of, readable, children }: Props) {
  return (
    <>
      <div className={figures.head}>
        {readable && <Said of={of} />}
        <div className={figures.controls}>{children}</div>
      </div>
      {readable && (
        <>
          <IncompleteNote answer={of.answer} />
          <Charted of={of} height={height + 24}>
            {(answer, bounds) => <Histogram figures={answer} bounds={bounds} />}
          </Charted>
        </>
      )}
    </>
  );
}

function Said({ of }: { of: AskedFigures }) {
  if (of.data === undefined || of.answer === undefined || of.bounds === undefined) {
    return of.error === null ? (
      <Skeleton height={18} width={280} />
    ) : (
      <TryAgain what="The records could not be counted" of={of} />
    );
  }
  const head = headline({ ...of.answer, data: of.data }, of.bounds);
  return (
    <p style={{ display: 'contents' }}>
      <span className={figures.count}>{head.count}</span>
      <span className={figures.figure} data-errors={head.anyErrors || undefined}>
        <b>{head.errors}</b> errors
      </span>
      <span className={figures.figure}>
        <b>{head.rate}</b>
      </span>
      <span className={figures.over}>{head.over}</span>
    </p>
  );
}

/** Records of each severity over time, upon each other. Dragging narrows the range; a severity of the legend is one of the query. */
export function Histogram({ figures: answer, bounds }: { figures: Answer<Figures>; bounds: Bounds }) {
  const list = useMemo(() => bySeverity(answer.data), [answer]);
  const bars = useMemo(() => severityLayers(list), [list]);
  return (
    <TimeChart
      label={`Log records over time: ${list.length === 0 ? 'none' : list.map((s) => `${s.label} ${s.count}`).join(', ')}`}
      timeline={answer.data.timeline}
      bounds={bounds}
      height={height}
      bars={bars}
      format={formatRate}
      answer={answer}
      legend={<Legend list={list} atLeast={answer.incomplete !== undefined} />}
      told={(i) => <Told list={list} bucket={i} />}
    />
  );
}

function Told({ list, bucket }: { list: readonly Severity[]; bucket: number }) {
  const there = list.filter(({ counts }) => (counts[bucket] ?? 0) > 0);
  if (there.length === 0) return <span>no records</span>;
  return there
    .toReversed()
    .map(({ label, counts }) => [
      <span key={`${label} name`}>{label}</span>,
      <span key={label}>{(counts[bucket] ?? 0).toLocaleString('en-US')}</span>,
    ]);
}

/** All severities, also those of which there is none: what the query leaves out can be taken in again here. */
function Legend({ list, atLeast }: { list: readonly Severity[]; atLeast: boolean }) {
  const rest = list.filter(({ name }) => name === undefined);
  return (
    <ul className={classes.legend} aria-label="Severities">
      {severities.map(({ name, label }) => (
        <Toggle
          key={name}
          name={name}
          label={label}
          count={list.find((s) => s.name === name)?.count ?? 0}
          atLeast={atLeast}
        />
      ))}
      {rest.map(({ label, count }) => (
        <li key={label}>
          <span>
            <i style={{ background: colourOf(undefined) }} aria-hidden />
            {label} <b>{formatCount(count)}</b>
          </span>
        </li>
      ))}
    </ul>
  );
}

function Toggle(props: { name: SeverityName; label: string; count: number; atLeast: boolean }) {
  const { name, label, count, atLeast } = props;
  const { data: grammar } = useGrammar('logs');
  const { text, set } = useQueryText();
  const pointed = { field: 'severity', value: name };
  const is = grammar === undefined ? undefined : standing(text, pointed, grammar);
  return (
    <li>
      <button
        type="button"
        aria-pressed={is === 'in'}
        aria-label={`${label}: ${atLeast ? 'at least ' : ''}${count.toLocaleString('en-US')} records`}
        data-none={count === 0 || undefined}
        title={is === 'in' ? `Ask for more than ${label}` : `Ask for ${label}`}
        disabled={grammar === undefined}
        onClick={() => grammar !== undefined && set(include(text, pointed, grammar))}
      >
        <i style={{ background: colourOf(name) }} aria-hidden />
        {label} <b>{formatCount(count)}</b>
      </button>
    </li>
  );
}
