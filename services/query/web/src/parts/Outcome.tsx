import type { ReactNode } from 'react';
import type { Asked } from './answer';
import { Boundary } from './Boundary';
import { Failure } from './Failure';
import { IncompleteNote } from './IncompleteNote';

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
  const state = outcomeOf(of, isEmpty);
  switch (state.is) {
    case 'failed':
      return failure(<Failure error={state.error} {...(of.retry === undefined ? {} : { retry: of.retry })} />);
    case 'loading':
      return props.loading;
    case 'empty':
      return props.nothing;
    case 'there':
      return (
        <>
          <IncompleteNote answer={of.answer} />
          <Boundary part="This" of={of.data}>
            {props.children(state.data)}
          </Boundary>
        </>
      );
  }
}

type State<T> = { is: 'loading' } | { is: 'failed'; error: Error } | { is: 'empty' } | { is: 'there'; data: T };

/**
 * What to show. An error takes the place of data only when these answer another question: what was right before a page
 * more failed to load is right still.
 */
function outcomeOf<T>(asked: Asked<T>, isEmpty: (data: T) => boolean): State<T> {
  const { data, error, stale = false } = asked;
  if (error !== null && (data === undefined || stale)) return { is: 'failed', error };
  if (data === undefined) return { is: 'loading' };
  return isEmpty(data) ? { is: 'empty' } : { is: 'there', data };
}

const isEmptyList = (data: unknown): boolean => Array.isArray(data) && data.length === 0;
