import { Tabs } from '@mantine/core';
import { Fragment } from 'react';
import { Copy } from './Copy';
import { waysToSend, type Endpoints } from './sending';
import classes from './State.module.css';

/** Where this installation takes telemetry, and ways to send it there, ready to copy. Where people log in, who sends needs a key, too. */
export function WaysToSend({ otlp, withKey }: { otlp: Endpoints; withKey: boolean }) {
  const ways = waysToSend(otlp, withKey);
  return (
    <div className={classes.send}>
      <dl>
        {(
          [
            ['OTLP/HTTP', otlp.http],
            ['OTLP/gRPC', otlp.grpc],
          ] as const
        ).map(([name, address]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>
              <code>{address}</code>
              <Copy text={address} label={`Copy the ${name} endpoint`} />
            </dd>
          </Fragment>
        ))}
      </dl>
      <Tabs defaultValue={ways[0]?.id ?? null} keepMounted={false} className={classes.ways}>
        <Tabs.List aria-label="Ways to send">
          {ways.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {ways.map(({ id, hint, text }) => (
          <Tabs.Panel key={id} value={id}>
            <p className={classes.hint}>{hint}</p>
            <div className={classes.snippet}>
              <pre tabIndex={0} aria-label={hint}>
                {text}
              </pre>
              <Copy text={text} />
            </div>
          </Tabs.Panel>
        ))}
      </Tabs>
      {withKey && <p className={classes.hint}>In place of KEY: one with the scope ingest (ollyscale keys create).</p>}
    </div>
  );
}
