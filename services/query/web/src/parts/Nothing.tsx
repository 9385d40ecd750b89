import { Button } from '@mantine/core';
import { IconMoodEmpty, IconSatellite } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { hasData } from '../api/endpoints';
import { useSetTimeRange } from '../route/time';
import { Copy } from './Copy';
import { useMe } from './me';
import { useRefresh } from './refresh';
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
        <Button variant="default" size="xs" onClick={() => setRange({ kind: 'sliding', preset: '24h' })}>
          Look at the last 24 hours
        </Button>
      </div>
    </div>
  );
}

function SendData() {
  return <HowToSend host={window.location.hostname} withKey={useMe()?.loggedIn === true} />;
}

/** How to send the first data: the endpoints of this very host, ready to copy. Where people log in, who sends needs a key, too. */
export function HowToSend({ host, withKey }: { host: string; withKey: boolean }) {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const http = `http://${name}:4318`;
  const grpc = `http://${name}:4317`;
  const environment = [
    `export OTEL_EXPORTER_OTLP_ENDPOINT=${http}`,
    'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    'export OTEL_SERVICE_NAME=my-service',
    ...(withKey ? ['export OTEL_EXPORTER_OTLP_HEADERS=x-api-key=KEY'] : []),
  ].join('\n');
  const demo = `ollyscale demo --seconds 60${withKey ? ' --headers x-api-key=KEY' : ''}`;
  return (
    <div className={classes.state}>
      <div className={classes.icon}>
        <IconSatellite size={26} stroke={1.6} />
      </div>
      <h2>Ready for your first trace</h2>
      <p>Nothing has arrived yet. Point any OpenTelemetry SDK or Collector here; this page shows it within seconds.</p>
      <div className={classes.send}>
        <dl>
          <dt>OTLP/HTTP</dt>
          <dd>
            <code>{http}</code>
            <Copy text={http} label="Copy the OTLP/HTTP endpoint" />
          </dd>
          <dt>OTLP/gRPC</dt>
          <dd>
            <code>{grpc}</code>
            <Copy text={grpc} label="Copy the OTLP/gRPC endpoint" />
          </dd>
        </dl>
        <pre className={classes.snippet}>
          <code>{environment}</code>
          <Copy text={environment} label="Copy the environment variables" />
        </pre>
        <pre className={classes.snippet}>
          <code>{demo}</code>
          <Copy text={demo} label="Copy the command" />
        </pre>
      </div>
    </div>
  );
}
