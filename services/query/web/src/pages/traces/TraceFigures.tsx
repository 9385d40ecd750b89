import { Button, Menu, SegmentedControl, Skeleton } from '@mantine/core';
import { IconArrowsDiff } from '@tabler/icons-react';
import { useMemo } from 'react';
import type { Answer, Figures } from '../../api/model';
import { countText } from '../../parts/figureTexts';
import { Charted, FiguresWaiting, TryAgain, type AskedFigures } from '../../parts/Figures';
import classes from '../../parts/Figures.module.css';
import { IncompleteNote } from '../../parts/IncompleteNote';
import type { Filters } from '../../parts/query/filters';
import { useHoldRefresh } from '../../parts/refresh';
import { instantToMillis } from '../../time/instant';
import type { TimeRange } from '../../time/range';
import { Differences } from './Differences';
import { compared } from './contrast';
import { basisOf, headline, type Headline } from './figures';
import { Heatmap } from './Heatmap';
import { ofLength } from './narrow';
import { useComparison, useHeat, useStrip, useTraceCount } from './queries';
import { Strip } from './Strip';
import { boxFromText, boxToText, type Difference, type ViewChange, type ViewSearch } from './view';

interface Props {
  asked: ReturnType<typeof useTraceFigures>;
  view: ViewSearch;
  onView: (change: ViewChange) => void;
  /** Adds conditions to the filters; with them the view changes, and the time range. */
  onNarrow: (conditions: readonly string[], change?: ViewChange, range?: TimeRange) => void;
}

/** Asks what the head of the page shows. */
export function useTraceFigures({ data: filters, error }: Filters, view: ViewSearch) {
  const basis = useMemo(() => (filters === undefined ? undefined : basisOf(filters, view.tab)), [filters, view.tab]);
  const box = boxFromText(view.box);
  const strip = useStrip(basis);
  const heat = useHeat(basis, view.chart === 'heatmap');
  const traces = useTraceCount(filters, view.tab === undefined || basis === undefined);
  const sets = basis === undefined ? undefined : compared(view.differ, basis, box, strip.data);
  const comparison = useComparison(basis, sets);
  useHoldRefresh(view.differ === undefined ? undefined : 'what differs is shown');
  const known = filters !== undefined ? 'known' : error === null ? 'waiting' : 'failed';
  const ofSpans = view.tab === 'spans';
  return { known, basis, box, strip, heat, traces, sets, comparison, ofSpans } as const;
}

/** What the whole range comes to, over time, and what differs in parts of it. */
export function TraceFigures({ asked, view, onView, onNarrow }: Props) {
  const { known, basis, box, strip, heat, traces, sets, comparison } = asked;
  // The list says what is wrong with the query.
  if (known === 'failed') return null;
  if (known === 'waiting') return <FiguresWaiting height={96} />;
  if (basis === undefined) return <CountAlone traces={traces} />;

  const chart = view.chart === 'heatmap' ? heat : strip;
  const height = view.chart === 'heatmap' ? 160 : 96;
  const head =
    strip.answer === undefined || strip.data === undefined || strip.bounds === undefined
      ? undefined
      : headline({ ...strip.answer, data: strip.data }, basis, strip.bounds, answerOf(traces), view.tab === 'spans');
  const typed = basis.typed === undefined ? [] : [basis.typed];
  const showBox = () => {
    if (box === undefined) return;
    const at = (end: typeof box.from) => new Date(instantToMillis(end));
    onNarrow(
      [...typed, ...ofLength(box.shortest, box.longest)],
      { box: undefined, differ: undefined },
      { kind: 'fixed', from: at(box.from), to: at(box.to) },
    );
  };
  return (
    <>
      <div className={classes.head}>
        <Said head={head} strip={strip} traces={traces} />
        <div className={classes.controls}>
          <SegmentedControl
            size="xs"
            aria-label="Chart"
            value={view.chart ?? 'rates'}
            onChange={(next) =>
              onView(
                next === 'heatmap'
                  ? { chart: 'heatmap' }
                  : { chart: undefined, box: undefined, ...(view.differ === 'box' ? { differ: undefined } : {}) },
              )
            }
            data={[
              { value: 'rates', label: 'Rates' },
              { value: 'heatmap', label: 'Heatmap' },
            ]}
          />
          <DifferMenu onChoose={(differ) => onView({ differ, box: undefined })} />
        </div>
      </div>
      <IncompleteNote answer={chart.answer} />
      <Charted of={chart} height={height}>
        {(answer, bounds) =>
          view.chart === 'heatmap' ? (
            <Heatmap
              figures={answer}
              basis={basis}
              bounds={bounds}
              box={box}
              onBox={(chosen) => onView({ box: boxToText(chosen), differ: 'box' })}
            />
          ) : (
            <Strip figures={answer} basis={basis} bounds={bounds} />
          )
        }
      </Charted>
      {view.differ !== undefined && (
        <Differences
          compared={sets}
          asked={comparison}
          known={strip.data !== undefined || strip.error !== null}
          onNarrow={(condition) => onNarrow([...typed, condition])}
          onShow={view.differ === 'box' ? showBox : undefined}
          onClose={() => onView({ differ: undefined, box: undefined })}
        />
      )}
    </>
  );
}

/** How many there are of what is listed, in all; undefined while that is not known. */
export function totalOf({ basis, strip, traces, ofSpans }: ReturnType<typeof useTraceFigures>): string | undefined {
  const answer = answerOf(ofSpans ? strip : traces);
  if (answer === undefined) return undefined;
  // Those that match by themselves are not all that are listed.
  if (!ofSpans) return countText(answer, 'trace', 'traces');
  return basis === undefined || basis.part ? undefined : countText(answer, 'span', 'spans');
}

const answerOf = (of: AskedFigures): Answer<Figures> | undefined =>
  of.answer === undefined || of.data === undefined ? undefined : { ...of.answer, data: of.data };

/** How many traces there are, and no more, where all of the query is about other spans of the trace. */
export function CountAlone({ traces }: { traces: AskedFigures }) {
  const answer = answerOf(traces);
  return (
    <>
      <div className={classes.head}>
        <Count text={answer === undefined ? undefined : countText(answer, 'trace', 'traces')} traces={traces} />
        <span className={classes.over}>
          All of this query is about other spans of the trace: rates and durations are told of spans that match by
          themselves.
        </span>
      </div>
      <IncompleteNote answer={traces.answer} />
    </>
  );
}

function Count({ text, traces }: { text: string | undefined; traces: AskedFigures }) {
  if (text !== undefined) return <span className={classes.count}>{text}</span>;
  if (traces.error === null) return <Skeleton height={18} width={120} />;
  return <TryAgain what="The traces could not be counted" of={traces} />;
}

/** The first line. What failed is told in its place: the rest of it is right. */
export function Said(props: { head: Headline | undefined; strip: AskedFigures; traces: AskedFigures }) {
  const { head, strip, traces } = props;
  if (head === undefined) {
    if (strip.error === null) return <Skeleton height={18} width={280} />;
    const counted = answerOf(traces);
    return (
      <>
        {counted !== undefined && <Count text={countText(counted, 'trace', 'traces')} traces={traces} />}
        <TryAgain what="Rates and durations could not be had" of={strip} />
      </>
    );
  }
  return (
    <p style={{ display: 'contents' }}>
      <Count text={head.count} traces={traces} />
      <span className={classes.figure}>
        <b>{head.rate}</b>
      </span>
      <span className={classes.figure} data-errors={head.anyErrors || undefined}>
        <b>{head.errors}</b> errors
      </span>
      {head.p95 !== undefined && (
        <span className={classes.figure}>
          p95 <b>{head.p95}</b>
        </span>
      )}
      <span className={classes.over}>{head.over}</span>
    </p>
  );
}

function DifferMenu({ onChoose }: { onChoose: (differ: Difference) => void }) {
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconArrowsDiff size={14} />}>
          What differs
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => onChoose('errors')}>Failed against good</Menu.Item>
        <Menu.Item onClick={() => onChoose('slow')}>Slow against fast</Menu.Item>
        <Menu.Label>A part of the heatmap against the rest: drag over it</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
