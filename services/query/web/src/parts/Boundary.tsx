import { Button } from '@mantine/core';
import { IconBandage } from '@tabler/icons-react';
import { Component, type ReactNode } from 'react';
import classes from './Boundary.module.css';

interface Props {
  /** What it is, as it begins a sentence: "The chart". */
  part: string;
  /** What the part shows. Where that becomes another, it is tried again. */
  of?: unknown;
  /** Where the card must stand within something else. */
  place?: (card: ReactNode) => ReactNode;
  /** Whether there is room for one line and no more. */
  line?: boolean;
  children: ReactNode;
}

interface State {
  /** Undefined while all is well. */
  error: Error | undefined;
  of: unknown;
}

/** Keeps what goes wrong in a part of a page to that part: a card that says so stands in its place, and everything else stays. */
export class Boundary extends Component<Props, State> {
  override state: State = { error: undefined, of: this.props.of };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  static getDerivedStateFromProps({ of }: Props, state: State): Partial<State> | null {
    return of === state.of ? null : { of, error: undefined };
  }

  override render(): ReactNode {
    const { part, place = (card) => card, line = false, children } = this.props;
    const { error } = this.state;
    if (error === undefined) return children;
    return place(<Broken part={part} line={line} error={error} again={() => this.setState({ error: undefined })} />);
  }
}

function Broken({ part, line, error, again }: { part: string; line: boolean; error: Error; again: () => void }) {
  return (
    <div className={classes.broken} data-line={line || undefined} role="alert">
      <IconBandage size={18} stroke={1.7} aria-hidden />
      <div>
        <b>{part} cannot be shown</b>
        <p title={error.message}>{error.message === '' ? error.name : error.message}</p>
      </div>
      <Button variant="default" size="compact-xs" onClick={again}>
        Try again
      </Button>
    </div>
  );
}
