import { Button, Menu, SegmentedControl, Skeleton } from '@mantine/core';
import { IconArrowsDiff } from '@tabler/icons-react';
import { useMemo, type ReactNode } from 'react';
import type { Filter } from '../../api/endpoints';
import type { Answer, Figures } from '../../api/model';
import { IncompleteNote } from '../../parts/IncompleteNote';
import { useHoldRefresh } from '../../parts/refresh';
import { instantToMillis } from '../../time/instant';
import type { Bounds, TimeRange } from '../../time/range';
import { Differences } from './Differences';
import { compared } from './contrast';
import { basisOf, headline, type Headline } from './figures';
import { Heatmap } from './Heatmap';
import { exactDuration } from './narrow';
import { useComparison, useHeat, useStrip, useTraceCount, type AskedFigures } from './queries';
import { Strip } from './Strip';
import classes from './TraceFigures.module.css';
import { boxFromText, boxToText, type Difference, type ViewChange, type ViewSearch } from './view';

interface Props {
  asked: ReturnType<typeof useTraceFigures>;
  view: ViewSearch;
  onView: (change: ViewChange) => void;
  /** Adds conditions to the filters; with them the view changes, and the time range. */
  onNarrow: (conditions: readonly string[], change?: ViewChange, range?: TimeRange) => void;
}

/** Asks what the head of the page shows. Filters are undefined while they are not known. */
export function useTraceFigures(filters: readonly Filter[] | undefined, view: ViewSearch) {
  const basis = useMemo(() => (filters === undefined ? undefined : basisOf(filters, view.tab)), [filters, view.tab]);
  const box = boxFromText(view.box);
  const strip = useStrip(basis);
  const heat = useHeat(basis, view.chart === 'heatmap');
  const traces = useTraceCount(filters, view.tab === undefined);
  const sets = basis === undefined ? undefined : compared(view.differ, basis, box, strip.data);
  const comparison = useComparison(basis, sets);
  useHoldRefresh(view.differ === undefined ? undefined : 'what differs is shown');
  return { basis, box, strip, heat, traces, sets, comparison };
}

/** What the whole range comes to, over time, and what differs in parts of it. */
export function TraceFigures({ asked, view, onView, onNarrow }: Props) {
  const { basis, box, strip, heat, traces, sets, comparison } = asked;
  if (basis === undefined) return <Waiting height={96} />;

  const chart = view.chart === 'heatmap' ? heat : strip;
  const height = view.chart === 'heatmap' ? 160 : 96;
  const head =
    strip.answer === undefined || strip.data === undefined || strip.bounds === undefined
      ? undefined
      : headline(
          { ...strip.answer, data: strip.data },
          basis,
          strip.bounds,
          traces.answer === undefined || traces.data === undefined
            ? undefined
            : { ...traces.answer, data: traces.data },
          view.tab === 'spans',
        );
  const showBox = () => {
    if (box === undefined) return;
    const at = (end: typeof box.from) => new Date(instantToMillis(end));
    onNarrow(
      [
        ...(basis.typed === undefined ? [] : [basis.typed]),
        `duration>=${exactDuration(box.shortest)}`,
        `duration<${exactDuration(box.longest)}`,
      ],
      { box: undefined, differ: undefined },
      { kind: 'fixed', from: at(box.from), to: at(box.to) },
    );
  };
  return (
    <>
      <div className={classes.head}>
        <Said head={head} />
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
      <Asked of={chart} height={height}>
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
      </Asked>
      {view.differ !== undefined && (
        <Differences
          compared={sets}
          asked={comparison}
          onNarrow={(condition) => onNarrow([condition])}
          onShow={view.differ === 'box' ? showBox : undefined}
          onClose={() => onView({ differ: undefined, box: undefined })}
        />
      )}
    </>
  );
}

function Said({ head }: { head: Headline | undefined }) {
  if (head === undefined) return <Skeleton height={18} width={280} />;
  return (
    <p style={{ display: 'contents' }}>
      {head.count === undefined ? (
        <Skeleton height={18} width={120} />
      ) : (
        <span className={classes.count}>{head.count}</span>
      )}
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

/** A chart, in a place of its own height whatever became of its question. */
function Asked(props: {
  of: AskedFigures;
  height: number;
  children: (answer: Answer<Figures>, bounds: Bounds) => ReactNode;
}) {
  const { of, height, children } = props;
  if (of.data !== undefined && of.answer !== undefined && of.bounds !== undefined) {
    return children({ ...of.answer, data: of.data }, of.bounds);
  }
  if (of.error === null) return <Waiting height={height} />;
  return (
    <p className={classes.failed} role="alert">
      The figures could not be had: {of.error.message}
      <Button size="compact-xs" variant="default" onClick={of.retry}>
        Try again
      </Button>
    </p>
  );
}

function Waiting({ height }: { height: number }) {
  return (
    <div className={classes.wait} role="status" aria-label="Loading the figures">
      <Skeleton height={height + 20} radius={6} />
    </div>
  );
}
