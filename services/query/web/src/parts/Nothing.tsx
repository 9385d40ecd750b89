import { Button } from '@mantine/core';
import { IconMoodEmpty, IconSatellite } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { hasData } from '../api/endpoints';
import { getAbout } from '../api/installation';
import { useSetTimeRange } from '../route/time';
import { Failure } from './Failure';
import { useMe } from './me';
import { useRefresh } from './refresh';
import { WaysToSend } from './WaysToSend';
import type { Endpoints } from './sending';
import classes from './State.module.css';

/**
 * What is shown where a list is empty. When nothing was ever received it tells how to send; otherwise it tells how to
 * find what there is.
 */
export function Nothing({ what, clearFilters }: { what: string; clearFilters: (() => void) | undefined }) {
  const setRange = useSetTimeRange();
  const any = useQuery({
    queryKey: ['has-data'],
    queryFn: ({ signal }) => hasData(signal),
    staleTime: 2_000,
    refetchInterval: (query) => (query.state.data === true ? false : 2_000),
  });
  // The very first data must not wait for the next refresh: someone sits in front of the screen for it.
  const { now } = useRefresh();
  const [wasEmpty, setWasEmpty] = useState(false);
  if (any.data === false && !wasEmpty) setWasEmpty(true);
  useEffect(() => {
    if (wasEmpty && any.data === true) now();
  }, [wasEmpty, any.data, now]);
  if (any.data === false) return <SendData />;
  return (
    <div className={classes.state}>
      <div className={classes.icon}>
        <IconMoodEmpty size={26} stroke={1.6} />
      </div>
      <h2>No {what} here</h2>
      <p>
        {clearFilters === undefined
          ? 'Nothing was received in this time range.'
          : 'Nothing in this time range meets all filters.'}
      </p>
      <div style={{ display: 'flex', gap: 8, marginTop: 8 }}>
        {clearFilters !== undefined && (
          <Button variant="default" size="xs" onClick={clearFilters}>
            Clear filters
          </Button>
        )}
        <Button variant="default" size="xs" onClick={() => setRange({ kind: 'sliding', last: '24h' })}>
          Look at the last 24 hours
        </Button>
      </div>
    </div>
  );
}

function SendData() {
  const about = useQuery({ queryKey: ['about'], queryFn: ({ signal }) => getAbout(signal), staleTime: Infinity });
  const withKey = useMe()?.loggedIn === true;
  if (about.error !== null) return <Failure error={about.error} retry={() => void about.refetch()} />;
  return about.data === undefined ? null : <HowToSend otlp={about.data.otlp} withKey={withKey} />;
}

/** How to send the first data: the addresses of this installation, ready to copy. Where people log in, who sends needs a key, too. */
export function HowToSend({ otlp, withKey }: { otlp: Endpoints; withKey: boolean }) {
  return (
    <div className={classes.state}>
      <div className={classes.icon}>
        <IconSatellite size={26} stroke={1.6} />
      </div>
      <h2>Ready for your first trace</h2>
      <p>Nothing has arrived yet. Point any OpenTelemetry SDK or Collector here.</p>
      <p className={classes.awaiting} role="status">
        <i aria-hidden />
        Waiting for first data… this page turns by itself.
      </p>
      <WaysToSend otlp={otlp} withKey={withKey} />
    </div>
  );
}
