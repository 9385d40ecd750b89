import { Button, CopyButton } from '@mantine/core';
import { IconAlertCircleFilled, IconDownload, IconLink, IconUnlink } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { traceFile } from '../../api/endpoints';
import { formatCount, plural } from '../../parts/number';
import { Service } from '../../parts/Service';
import { target } from '../../parts/target';
import { hint } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { formatDuration } from '../../time/duration';
import { formatAge, formatInstant, formatUTC } from '../../time/instant';
import classes from './Summary.module.css';
import type { Node, Tree } from './tree';

interface Props {
  traceId: string;
  tree: Tree;
  root: Node;
  facts: { depth: number; orphans: readonly Node[] };
  /** The service whose spans stand out. */
  service: string | undefined;
  onService: (service: string | undefined) => void;
}

/** What a trace is, at a glance: its root, its figures and its services. */
export function Summary({ traceId, tree, root, facts, service, onService }: Props) {
  const path = target(root.span.name, root.span.attributes);
  return (
    <section className={classes.summary} aria-label="Summary">
      <div className={classes.headline}>
        <h2>
          <Service name={root.span.service} dim />
          <span title={hint(`${root.span.name} ${path}`)}>
            <Text of={root.span.name} empty="no span name" />{' '}
            {path !== '' && (
              <i>
                <Text of={path} />
              </i>
            )}
          </span>
        </h2>
        <Actions traceId={traceId} />
      </div>
      <dl className={classes.facts}>
        <Fact name="Duration">{formatDuration(tree.duration)}</Fact>
        <Fact name="Started">
          <time dateTime={formatUTC(tree.start)} title={formatUTC(tree.start)}>
            {formatInstant(tree.start)}
          </time>
          <Age start={tree.start} />
        </Fact>
        <Fact name="Spans">{tree.nodes.length.toLocaleString('en-US')}</Fact>
        <Fact name="Depth">{facts.depth}</Fact>
        <Fact name="Errors" tone={tree.errors > 0 ? 'error' : undefined}>
          {tree.errors > 0 && <IconAlertCircleFilled size={14} aria-hidden />}
          {tree.errors}
        </Fact>
        {facts.orphans.length > 0 && (
          <Fact name="Missing parents" tone="warn">
            <IconUnlink size={14} aria-hidden />
            {facts.orphans.length}
          </Fact>
        )}
      </dl>
      <div className={classes.legend} role="group" aria-label="Highlight a service">
        {tree.services.map(({ name, spans, errors }) => (
          <button
            key={name}
            type="button"
            aria-pressed={service === name}
            onClick={() => onService(service === name ? undefined : name)}
            title={`${plural(spans, 'span')}${errors > 0 ? `, ${plural(errors, 'error')}` : ''}`}
          >
            <Service name={name} />
            <span className="numeric">{formatCount(spans)}</span>
          </button>
        ))}
      </div>
    </section>
  );
}

function Actions({ traceId }: { traceId: string }) {
  return (
    <div className={classes.actions}>
      <CopyButton value={shareAddress(traceId)} timeout={1500}>
        {({ copied, copy }) => (
          <Button size="xs" variant="default" leftSection={<IconLink size={14} />} onClick={copy}>
            {copied ? 'Copied' : 'Copy link'}
          </Button>
        )}
      </CopyButton>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconDownload size={14} />}
        component="a"
        href={traceFile(traceId)}
        download={`trace-${traceId}.json`}
      >
        OTLP JSON
      </Button>
    </div>
  );
}

const shareAddress = (traceId: string) => `${window.location.origin}/traces/${traceId}`;

function Fact({ name, tone, children }: { name: string; tone?: 'error' | 'warn' | undefined; children: ReactNode }) {
  return (
    <div data-tone={tone}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Age({ start }: { start: bigint }) {
  const [now] = useState(() => Date.now());
  return <small>{formatAge(start, now)}</small>;
}
