import { Button } from '@mantine/core';
import { IconEraser, IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { ApiError } from '../../api/client';
import { followLogs, type Filter } from '../../api/endpoints';
import { asText } from '../../parts/answer';
import { Failure } from '../../parts/Failure';
import type { LogsShown } from '../../parts/logColumns';
import { LogList } from '../../parts/LogList';
import { formatRate, plural } from '../../parts/number';
import type { More } from '../../parts/pages';
import type { Filters } from '../../parts/query/filters';
import { useHoldRefresh } from '../../parts/refresh';
import { said } from '../../parts/said';
import classes from './Live.module.css';
import { logsLoading } from './Records';
import { mostShown, Tail, type TailStanding } from './tail';

interface Props {
  filters: Filters;
  shown: LogsShown;
}

/** Records as they arrive that meet the query, from now on, whatever the range is. */
export function Live({ filters: { data, error, retry }, shown }: Props) {
  if (data === undefined) {
    if (error === null) return logsLoading;
    return <Failure error={error} {...(retry === undefined ? {} : { retry })} />;
  }
  return <Following key={asText(data)} filters={data} shown={shown} />;
}

function Following({ filters, shown }: { filters: readonly Filter[]; shown: LogsShown }) {
  const [tail] = useState(
    () =>
      new Tail(
        (after, signal, on) => followLogs(filters, after, signal, on),
        (error) => error instanceof ApiError && !error.transient,
      ),
  );
  const standing = useSyncExternalStore(tail.subscribe, tail.snapshot);
  const [paused, setPaused] = useState(false);
  // What is drawn over it, histogram and facets, is of the range and need not follow each second.
  useHoldRefresh(paused ? 'the live records are paused' : undefined);
  useEffect(() => {
    const look = () => tail.hide(document.visibilityState === 'hidden');
    look();
    tail.start();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      tail.stop();
    };
  }, [tail]);
  const [reading, setReading] = useState(false);
  const [opened, setOpened] = useState(false);
  const held = paused || reading || opened;
  useEffect(() => tail.hold(held), [tail, held]);
  const more = useMemo((): More => moreOf(tail, held ? standing.waiting : 0, setReading), [tail, standing, held]);
  const pause = () => {
    if (paused) tail.release();
    setPaused(!paused);
  };
  // With the list goes what was held for it.
  const clear = () => {
    tail.clear();
    setReading(false);
    setOpened(false);
  };
  return (
    <>
      <div className={classes.bar} role="group" aria-label="Live records">
        <Button
          size="compact-xs"
          variant="default"
          leftSection={paused ? <IconPlayerPlay size={13} /> : <IconPlayerPause size={13} />}
          onClick={pause}
        >
          {paused ? 'Go on' : 'Pause'}
        </Button>
        <Button size="compact-xs" variant="default" leftSection={<IconEraser size={13} />} onClick={clear}>
          Clear
        </Button>
        <span className={classes.state} data-is={paused ? 'paused' : standing.state.is}>
          {stateText(standing, paused)}
        </span>
        <span>
          <b>{formatRate(standing.rate)}</b>
        </span>
        {standing.waiting > 0 && held && <span>{plural(standing.waiting, 'record')} waiting</span>}
        <Lost standing={standing} />
      </div>
      {standing.length === 0 ? (
        <p className={classes.none} role="status">
          {standing.waiting > 0
            ? `${plural(standing.waiting, 'record')} waiting: go on to see them.`
            : 'Waiting for records that meet the query. They are shown as they arrive, a second before a search finds them.'}
        </p>
      ) : (
        <LogList logs={standing} stale={false} more={more} shown={shown} onOpen={setOpened} />
      )}
    </>
  );
}

/** What a list asks of its pages, of records that have none. */
const moreOf = (tail: Tail, waiting: number, hold: (held: boolean) => void): More => ({
  // There were others before, which are not here.
  hasMore: true,
  cut: false,
  loading: false,
  error: undefined,
  retry: () => undefined,
  see: () => undefined,
  hold,
  fresh: waiting === 0 ? undefined : { count: waiting, atLeast: false, show: tail.release },
  list: tail,
  place: undefined,
});

function stateText({ state }: TailStanding, paused: boolean): string {
  switch (state.is) {
    case 'connecting':
      return 'connecting…';
    case 'live':
      return paused ? 'paused' : 'live';
    case 'hidden':
      return 'stopped, since nobody sees it';
    case 'away':
      return `${said(state.error)}; trying again…`;
    case 'refused':
      return said(state.error);
  }
}

function Lost({ standing: { missed, missedAtLeast, skipped } }: { standing: TailStanding }) {
  return (
    <>
      {(missed > 0 || missedAtLeast) && (
        <span className={classes.lost} role="status">
          {missed > 0
            ? `${missedAtLeast ? 'at least ' : ''}${plural(missed, 'record')} left out`
            : 'records may be left out'}
          , since they could not be sent in time: the list has them
        </span>
      )}
      {skipped > 0 && (
        <span className={classes.lost} role="status">
          {plural(skipped, 'record')} passed by: no more than {mostShown.toLocaleString('en-US')} wait here; the list
          has them
        </span>
      )}
    </>
  );
}
