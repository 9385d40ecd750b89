import { Button } from '@mantine/core';
import { useState } from 'react';
import { formatDuration } from '../time/duration';
import { useNow } from '../time/now';
import classes from './Waiting.module.css';

/** How long an answer may take before something is said about it, in milliseconds. */
const patience = 3_000;

/** Says how long an answer is waited for, once that is long, and offers to wait no more. */
export function Waiting({ cancel }: { cancel: (() => void) | undefined }) {
  const [since] = useState(() => Date.now());
  const waited = useNow(1_000) - since;
  return waited < patience ? null : <WaitingNote millis={waited} cancel={cancel} />;
}

export function WaitingNote({ millis, cancel }: { millis: number; cancel: (() => void) | undefined }) {
  return (
    <div className={classes.waiting}>
      {/* What is read out does not change by the second. */}
      <span role="status" aria-label="Still loading">
        Still loading, {formatDuration(Math.floor(millis / 1000) * 1e9)}
      </span>
      {cancel !== undefined && (
        <Button variant="default" size="compact-xs" onClick={cancel}>
          Cancel
        </Button>
      )}
    </div>
  );
}

/** In place of an answer that nobody waits for any more. */
export function Cancelled({ retry }: { retry: (() => void) | undefined }) {
  return (
    <div className={classes.waiting}>
      <span role="status">Cancelled before an answer came.</span>
      {retry !== undefined && (
        <Button variant="default" size="compact-xs" onClick={retry}>
          Ask again
        </Button>
      )}
    </div>
  );
}
