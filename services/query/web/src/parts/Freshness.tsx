import { Tooltip } from '@mantine/core';
import type { Answer } from '../api/model';
import { formatDuration } from '../time/duration';
import { formatClock, instantFromMillis } from '../time/instant';
import classes from './Freshness.module.css';
import { formatBytes, formatCount, plural } from './number';
import { onTheWay } from './onTheWay';

/** How far behind, in milliseconds, an answer may be before it is worth a look. */
const late = 10_000;

/** How complete the answer on screen is: up to when, and what is still on its way. */
export function Freshness({ answer }: { answer: Answer<unknown> | undefined }) {
  if (answer === undefined) return null;
  const { completeness, stats, incomplete } = answer;
  const { lagMillis, pending, watermark, deadLetters, lost } = completeness;
  const tone =
    incomplete !== undefined || lost !== undefined || (lagMillis !== undefined && lagMillis > late)
      ? 'warn'
      : lagMillis === undefined
        ? 'unknown'
        : 'good';
  const label =
    incomplete !== undefined
      ? 'Partial answer'
      : lost !== undefined
        ? 'Some was lost'
        : lagMillis === undefined
          ? 'Lag unknown'
          : lagMillis < 1_000
            ? 'Up to date'
            : `${formatDuration(Math.round(lagMillis / 100) * 1e8)} behind`;
  return (
    <Tooltip
      label={
        <div className={classes.card}>
          {incomplete !== undefined && <p>{incomplete}</p>}
          {watermark !== undefined && (
            <p>
              Everything accepted before {formatClock(instantFromMillis(watermark.getTime()))} is in this answer
              {onTheWay(pending)}
            </p>
          )}
          {deadLetters !== undefined && deadLetters > 0 && (
            <p>
              {plural(deadLetters, 'batch', 'batches')} could not be written and are dead letters: no answer holds them.
            </p>
          )}
          <p className={classes.stats}>
            Answered in {formatDuration(stats.elapsedMillis * 1e6)}: {plural(stats.segmentsRead, 'segment')} read,{' '}
            {formatCount(stats.segmentsPruned)} skipped, {formatCount(stats.itemsScanned)} items scanned,{' '}
            {formatBytes(stats.bytesRead)}.
          </p>
        </div>
      }
    >
      <span className={classes.freshness} data-tone={tone} tabIndex={0} role="status">
        <span className={classes.dot} aria-hidden />
        {label}
      </span>
    </Tooltip>
  );
}
