import { ActionIcon, Tooltip } from '@mantine/core';
import { IconAlertCircleFilled, IconColumns2, IconDownload, IconFile, IconUnlink } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { traceFile } from '../../api/endpoints';
import { plural } from '../../parts/number';
import { Service } from '../../parts/Service';
import { hint } from '../../parts/shown';
import { target } from '../../parts/target';
import { Text } from '../../parts/Text';
import { formatDuration } from '../../time/duration';
import { formatAge, formatInstant, formatUTC } from '../../time/instant';
import classes from './Header.module.css';
import type { Source } from './source';
import type { Facts, Node, Tree } from './tree';

interface Props {
  source: Source;
  tree: Tree;
  root: Node;
  facts: Facts;
  /** Goes to where an error began; undefined where none is. */
  onCause: (() => void) | undefined;
}

/** What a trace is, in one line: its root, its figures, and what can be done with it. */
export function Header({ source, tree, root, facts, onCause }: Props) {
  const path = target(root.span.name, root.span.attributes);
  return (
    <section className={classes.header} aria-label="Summary">
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
        {facts.rootMissing && (
          <small className={classes.warn} title="No span without a parent is here; this one stands for the root">
            <IconUnlink size={13} aria-hidden /> root missing
          </small>
        )}
        {source.kind === 'file' && (
          <small className={classes.file} title={hint(`Opened from the file ${source.name}; nothing of it was sent`)}>
            <IconFile size={13} aria-hidden /> file <Text of={source.name} most={40} />
          </small>
        )}
      </h2>
      <dl>
        <Fact name="Started">
          <time dateTime={formatUTC(tree.start)} title={formatUTC(tree.start)}>
            {formatInstant(tree.start)}
          </time>
          <Age start={tree.start} />
        </Fact>
        <Fact name="Duration" strong>
          {formatDuration(tree.duration)}
        </Fact>
        <Fact name="Spans">{plural(tree.nodes.length, 'span')}</Fact>
        <Fact name="Errors">
          {tree.errors === 0 ? (
            '0 errors'
          ) : (
            <button type="button" title="Go to where the error began" onClick={onCause}>
              <IconAlertCircleFilled size={13} aria-hidden /> {plural(tree.errors, 'error')}
            </button>
          )}
        </Fact>
        <Fact name="Services">{plural(tree.services.length, 'service')}</Fact>
        <Fact name="Depth">depth {facts.depth}</Fact>
      </dl>
      {source.kind === 'stored' && <Actions traceId={source.traceId} />}
    </section>
  );
}

function Actions({ traceId }: { traceId: string }) {
  return (
    <div className={classes.actions}>
      <Tooltip label="Compare with another trace">
        <ActionIcon
          variant="default"
          size={26}
          aria-label="Compare"
          renderRoot={(props) => (
            <Link
              to="/traces/$traceId"
              params={{ traceId }}
              search={(before: Record<string, unknown>) => ({ ...before, tab: 'compare' as const })}
              {...props}
            />
          )}
        >
          <IconColumns2 size={14} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Download as OTLP JSON">
        <ActionIcon
          variant="default"
          size={26}
          aria-label="OTLP JSON"
          component="a"
          href={traceFile(traceId)}
          download={`trace-${traceId}.json`}
        >
          <IconDownload size={14} />
        </ActionIcon>
      </Tooltip>
    </div>
  );
}

function Fact({ name, strong = false, children }: { name: string; strong?: boolean; children: ReactNode }) {
  return (
    <div data-strong={strong || undefined} data-fact={name.toLowerCase()}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Age({ start }: { start: bigint }) {
  const [now] = useState(() => Date.now());
  return <small>{formatAge(start, now)}</small>;
}
