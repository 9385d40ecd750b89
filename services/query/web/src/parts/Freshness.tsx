import { Popover } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Answer } from '../api/model';
import { formatDuration } from '../time/duration';
import { formatClock, instantFromMillis } from '../time/instant';
import { useNow } from '../time/now';
import { freshnessOf } from './fresh';
import classes from './Freshness.module.css';
import { formatBytes, formatCount, plural } from './number';
import { onTheWay } from './onTheWay';
import { useRefresh } from './refresh';
import { useStanding } from './Standing';

/** How fresh the answer on screen is, by the clock; a click tells what it is made of. */
export function Freshness({ answer }: { answer: Answer<unknown> | undefined }) {
  const { interval, held } = useRefresh();
  const standing = useStanding();
  const now = useNow(1_000);
  if (answer === undefined) return null;
  const { tone, label } = freshnessOf({ answer, standing, every: held === undefined ? interval : 0, now });
  return (
    <Popover position="bottom-end" width={340}>
      <Popover.Target>
        <button type="button" className={classes.freshness} data-tone={tone} aria-label={`How fresh it is: ${label}`}>
          <span className={classes.dot} aria-hidden />
          <span role="status">{label}</span>
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <FreshnessCard answer={answer} />
      </Popover.Dropdown>
    </Popover>
  );
}

/** What an answer is made of, and what it lacks. */
export function FreshnessCard({ answer }: { answer: Answer<unknown> }) {
  const { completeness, stats, incomplete, at } = answer;
  const { lagMillis, pending, watermark, deadLetters } = completeness;
  return (
    <div className={classes.card}>
      {incomplete !== undefined && <p>It was cut: {incomplete}.</p>}
      {watermark !== undefined && (
        <p>
          Everything accepted before {clock(watermark.getTime(), 3)} is in this answer
          {onTheWay(pending)}
        </p>
      )}
      {deadLetters !== undefined && deadLetters > 0 && (
        <p>
          {plural(deadLetters, 'batch', 'batches')} could not be written and are dead letters: no answer holds them.
        </p>
      )}
      <dl>
        {at !== undefined && <Row name="Answered at">{clock(at, 0)}</Row>}
        <Row name="Behind the queue">{lagMillis === undefined ? 'unknown' : formatDuration(lagMillis * 1e6)}</Row>
        <Row name="On the way">{pending === undefined ? 'unknown' : plural(pending, 'message')}</Row>
        <Row name="Dead letters">{deadLetters === undefined ? 'unknown' : formatCount(deadLetters)}</Row>
        <Row name="Segments">
          {formatCount(stats.segmentsRead)} read, {formatCount(stats.segmentsPruned)} skipped
        </Row>
        <Row name="Items looked at">{formatCount(stats.itemsScanned)}</Row>
        <Row name="Read">{formatBytes(stats.bytesRead)}</Row>
        <Row name="Took">{formatDuration(stats.elapsedMillis * 1e6)}</Row>
      </dl>
    </div>
  );
}

const clock = (millis: number, digits: 0 | 3) => formatClock(instantFromMillis(millis), digits);

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
