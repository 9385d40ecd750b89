import { Button, Skeleton } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Answer, Figures } from '../api/model';
import type { Bounds } from '../time/range';
import type { Asked } from './answer';
import classes from './Figures.module.css';

/** Figures of a range and what is there of them. */
export type AskedFigures = Asked<Figures> & { bounds: Bounds | undefined };

/** A chart, in a place of its own height whatever became of its question. */
export function Charted(props: {
  of: AskedFigures;
  height: number;
  children: (answer: Answer<Figures>, bounds: Bounds) => ReactNode;
}) {
  const { of, height, children } = props;
  if (of.data !== undefined && of.answer !== undefined && of.bounds !== undefined) {
    return (
      <div className={classes.chart} data-stale={of.stale || undefined}>
        {children({ ...of.answer, data: of.data }, of.bounds)}
      </div>
    );
  }
  if (of.error === null) return <FiguresWaiting height={height} />;
  return (
    <p className={classes.failed} role="alert">
      The figures could not be had: {of.error.message}
      <Button size="compact-xs" variant="default" onClick={of.retry}>
        Try again
      </Button>
    </p>
  );
}

export function FiguresWaiting({ height }: { height: number }) {
  return (
    <div className={classes.wait} role="status" aria-label="Loading the figures">
      <Skeleton height={height + 20} radius={6} />
    </div>
  );
}

/** In a line: what failed, and a way to ask again. */
export function TryAgain({ what, of }: { what: string; of: Asked<unknown> }) {
  return (
    <span className={classes.uncounted} role="alert">
      {what}: {of.error?.message}{' '}
      <Button size="compact-xs" variant="default" onClick={of.retry}>
        Try again
      </Button>
    </span>
  );
}
