import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { formatClock, instantFromMillis } from '../time/instant';
import type { Asked } from './answer';
import { Boundary } from './Boundary';
import { Failure } from './Failure';
import { isAway } from './trouble';
import { IncompleteNote } from './IncompleteNote';
import classes from './Outcome.module.css';
import { said } from './said';
import { useStanding } from './Standing';
import { Cancelled, Waiting } from './Waiting';

interface Props<T> {
  of: Asked<T>;
  /** While there is no answer yet. */
  loading: ReactNode;
  /** In place of an answer that holds nothing. */
  nothing: ReactNode;
  /** Whether there is nothing to show; a list without items, unless this says otherwise. */
  isEmpty?: (data: T) => boolean;
  /** Where the failure must stand within something else. */
  failure?: (shown: ReactNode) => ReactNode;
  children: (data: T) => ReactNode;
}

/** What became of a question: not answered yet, failed, answered with nothing, or answered. */
export function Outcome<T>(props: Props<T>) {
  const { of, isEmpty = isEmptyList, failure = (shown) => shown } = props;
  const away = isAway(useStanding());
  const state = outcomeOf(of, isEmpty);
  switch (state.is) {
    case 'failed':
      return failure(<Failure error={state.error} {...(of.retry === undefined ? {} : { retry: of.retry })} />);
    case 'loading':
      return (
        <>
          <Waiting cancel={of.cancel} />
          {props.loading}
        </>
      );
    case 'cancelled':
      return <Cancelled retry={of.retry} />;
    case 'empty':
      return props.nothing;
    case 'there':
      return (
        <>
          <IncompleteNote answer={of.answer} />
          <OldNote of={of} />
          <div className={classes.shown} data-old={away || of.error !== null || undefined}>
            <Boundary part="This" of={of.data}>
              {props.children(state.data)}
            </Boundary>
          </div>
        </>
      );
  }
}

/** Of when what is shown is, where it was asked for again in vain. */
function OldNote({ of: { error, answer, retry } }: { of: Asked<unknown> }) {
  if (error === null) return null;
  const of = answer?.at === undefined ? '' : `This is of ${formatClock(instantFromMillis(answer.at), 0)}. `;
  return (
    <p className={classes.old} role="status">
      <span>
        {of}Asking again failed: {said(error)}
      </span>
      {retry !== undefined && (
        <Button variant="default" size="compact-xs" onClick={retry}>
          Try again
        </Button>
      )}
    </p>
  );
}

type State<T> =
  { is: 'loading' } | { is: 'cancelled' } | { is: 'failed'; error: Error } | { is: 'empty' } | { is: 'there'; data: T };

/**
 * What to show. An error takes the place of data only when these answer another question: what was right before a page
 * more failed to load is right still.
 */
function outcomeOf<T>(asked: Asked<T>, isEmpty: (data: T) => boolean): State<T> {
  const { data, error, stale = false } = asked;
  if (error !== null && (data === undefined || stale)) return { is: 'failed', error };
  if (data === undefined) return { is: asked.cancelled === true ? 'cancelled' : 'loading' };
  return isEmpty(data) ? { is: 'empty' } : { is: 'there', data };
}

const isEmptyList = (data: unknown): boolean => Array.isArray(data) && data.length === 0;
