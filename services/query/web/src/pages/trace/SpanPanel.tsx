import { ActionIcon, Tabs, Tooltip } from '@mantine/core';
import { IconAlertCircleFilled, IconX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, type ReactNode } from 'react';
import type { Attribute, LogRecord, SpanEvent, SpanLink } from '../../api/model';
import { Attributes } from '../../parts/Attributes';
import { Boundary } from '../../parts/Boundary';
import { Copy } from '../../parts/Copy';
import { LogLines } from '../../parts/LogLines';
import { Pointable } from '../../parts/query/pointing';
import { Service } from '../../parts/Service';
import { LongText, Text } from '../../parts/Text';
import { attribute, valueText } from '../../parts/value';
import { formatDuration } from '../../time/duration';
import { formatInstant, formatUTC } from '../../time/instant';
import classes from './SpanPanel.module.css';
import { spanDuration, type Node, type Tree } from './tree';
import { FilteredAttributes } from './FilteredAttributes';
import { isGenAI } from './genai';
import { linkingTo } from './linking';
import { StackTrace } from './StackTrace';
import { OddityMark } from './OddityMark';

const Conversation = lazy(() => import('./Conversation').then(({ Conversation }) => ({ default: Conversation })));
const SpanMetrics = lazy(() => import('./SpanMetrics').then(({ SpanMetrics }) => ({ default: SpanMetrics })));

interface Props {
  tree: Tree;
  node: Node;
  /** Whether the span is kept, and more can be asked about it; a file is all there is of its spans. */
  stored: boolean;
  /** All logs of the trace; undefined while they are loading. */
  logs: readonly LogRecord[] | undefined;
  onSelect: (node: Node) => void;
  onClose: () => void;
}

/** Everything that is known of one span. */
export function SpanPanel({ tree, node, stored, logs, onSelect, onClose }: Props) {
  const { span } = node;
  const own = logs?.filter((record) => record.spanId === span.spanId);
  const resource = span.resource;
  const find = (prefix: string) => (stored ? { find: { signal: 'traces' as const, prefix } } : {});
  const linking = linkingTo(tree, node);
  const conversation = isGenAI(span);
  return (
    <aside className={classes.panel} aria-label="Span details">
      <header>
        <div className={classes.title}>
          <Pointable signal="traces" field="service" value={span.service} shown={span.service}>
            <Service name={span.service} />
          </Pointable>
          <Tooltip label="Close (Esc)">
            <ActionIcon variant="subtle" color="gray" size={24} onClick={onClose} aria-label="Close span details">
              <IconX size={15} />
            </ActionIcon>
          </Tooltip>
        </div>
        <h2>
          {node.oddity !== undefined && <OddityMark node={node} oddity={node.oddity} />}
          <LongText key={node.index} of={span.name} lines={3} empty="no span name" />
        </h2>
        {span.status === 'error' && (
          <p className={classes.error}>
            <IconAlertCircleFilled size={15} aria-hidden />
            {span.statusMessage === '' ? (
              <span>Status: error</span>
            ) : (
              <LongText key={node.index} of={span.statusMessage} lines={5} />
            )}
          </p>
        )}
        <dl className={classes.facts}>
          <Fact name="Duration">
            {spanDuration(span)}
            {node.children.length > 0 && <small>{formatDuration(node.selfTime)} self</small>}
          </Fact>
          <Fact name="Start">
            <time dateTime={formatUTC(span.start)} title={formatUTC(span.start)}>
              +{formatDuration(node.offset)}
            </time>
            <small>{formatInstant(span.start, 6)}</small>
          </Fact>
          <Fact name="Kind">
            <Pointable signal="traces" field="kind" value={span.kind} shown={span.kind}>
              {span.kind}
            </Pointable>
          </Fact>
          <Fact name="Status">
            <Pointable signal="traces" field="status" value={span.status} shown={span.status}>
              {span.status}
            </Pointable>
            {span.status !== 'error' && span.statusMessage !== '' && (
              <small>
                <Text of={span.statusMessage} />
              </small>
            )}
          </Fact>
          <Fact name="Span ID">
            <code>{span.spanId}</code>
            <Copy text={span.spanId} label="Copy span ID" />
          </Fact>
          <Fact name="Parent">
            {node.parent !== undefined ? (
              <button type="button" className={classes.link} onClick={() => onSelect(node.parent!)}>
                <code>{span.parentSpanId}</code>
              </button>
            ) : span.parentSpanId === '' ? (
              <small>none, this is a root</small>
            ) : (
              <>
                <code>{span.parentSpanId}</code>
                <small>missing</small>
              </>
            )}
          </Fact>
          {span.traceState !== '' && (
            <Fact name="Trace state">
              <code>
                <LongText key={node.index} of={span.traceState} lines={2} />
              </code>
            </Fact>
          )}
        </dl>
      </header>
      {/* Keyed, so that each span opens on its attributes rather than on a tab it may not have. */}
      <Tabs
        key={node.index}
        defaultValue={conversation ? 'conversation' : 'attributes'}
        className={classes.tabs}
        keepMounted={false}
      >
        <Tabs.List>
          {conversation && <Tabs.Tab value="conversation">Conversation</Tabs.Tab>}
          <Tabs.Tab value="attributes">
            <Label name="Attributes" count={span.attributes.length} />
          </Tabs.Tab>
          {(span.events.length > 0 || span.dropped.events > 0) && (
            <Tabs.Tab value="events">
              <Label name="Events" count={span.events.length} />
            </Tabs.Tab>
          )}
          {(span.links.length > 0 || span.dropped.links > 0 || linking.length > 0) && (
            <Tabs.Tab value="links">
              <Label name="Links" count={span.links.length + linking.length} />
            </Tabs.Tab>
          )}
          {stored && (
            <Tabs.Tab value="logs">
              <Label name="Logs" count={own?.length} />
            </Tabs.Tab>
          )}
          {stored && <Tabs.Tab value="metrics">Metrics</Tabs.Tab>}
          <Tabs.Tab value="resource">
            <Label name="Resource" count={undefined} />
          </Tabs.Tab>
        </Tabs.List>
        {conversation && (
          <Tabs.Panel value="conversation">
            <Suspense fallback={<p className={classes.none}>Loading…</p>}>
              <Boundary part="The conversation" of={node}>
                <Conversation span={span} logs={own} />
              </Boundary>
            </Suspense>
          </Tabs.Panel>
        )}
        <Tabs.Panel value="attributes">
          <FilteredAttributes attributes={span.attributes} dropped={span.dropped.attributes} {...find('attributes.')} />
        </Tabs.Panel>
        <Tabs.Panel value="events">
          {span.events.map((event, i) => (
            <Event key={i} event={event} sinceStart={Number(event.time - tree.start)} />
          ))}
          <Dropped count={span.dropped.events} />
        </Tabs.Panel>
        <Tabs.Panel value="links">
          {span.links.map((link, i) => (
            <SpanLinkView key={i} link={link} traceId={span.traceId} tree={tree} onSelect={onSelect} />
          ))}
          <Dropped count={span.dropped.links} />
          {linking.length > 0 && (
            <>
              <h3>Linked from, in this trace</h3>
              {linking.map((from) => (
                <section key={from.index} className={classes.event}>
                  <h3>
                    <button type="button" className={classes.link} onClick={() => onSelect(from)}>
                      <Text of={`${from.span.service}: ${from.span.name}`} />
                    </button>
                  </h3>
                </section>
              ))}
            </>
          )}
        </Tabs.Panel>
        <Tabs.Panel value="logs">
          {own === undefined ? (
            <p className={classes.none}>Loading…</p>
          ) : own.length === 0 ? (
            <p className={classes.none}>No log record names this span.</p>
          ) : (
            <LogLines logs={own} start={tree.start} />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="metrics">
          <Suspense fallback={<p className={classes.none}>Loading…</p>}>
            <SpanMetrics node={node} />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="resource">
          <h3>Resource</h3>
          <FilteredAttributes
            attributes={resource.attributes}
            dropped={resource.droppedAttributes}
            {...find('resource.')}
          />
          <h3>Instrumentation scope</h3>
          <Attributes
            attributes={[
              ...named('scope.name', span.scope.name),
              ...named('scope.version', span.scope.version),
              ...named('schema URL', span.scope.schemaUrl),
              ...span.scope.attributes,
            ]}
            dropped={span.scope.droppedAttributes}
          />
        </Tabs.Panel>
      </Tabs>
    </aside>
  );
}

const named = (key: string, value: string): Attribute[] =>
  value === '' ? [] : [{ key, value: { type: 'string', value } }];

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Label({ name, count }: { name: string; count: number | undefined }) {
  return (
    <>
      {name}
      {count !== undefined && <span className={classes.count}>{count}</span>}
    </>
  );
}

function Dropped({ count }: { count: number }) {
  return count === 0 ? null : <p className={classes.none}>{count} more were dropped before they were sent.</p>;
}

function Event({ event, sinceStart }: { event: SpanEvent; sinceStart: number }) {
  const exception = event.name === 'exception';
  const text = (key: string) => {
    const value = attribute(event.attributes, key);
    return value === undefined ? '' : valueText(value);
  };
  const stack = exception ? text('exception.stacktrace') : '';
  const shown = exception ? ['exception.type', 'exception.message', 'exception.stacktrace'] : [];
  const rest = event.attributes.filter((a) => !shown.includes(a.key));
  return (
    <section className={classes.event} data-exception={exception || undefined}>
      <h3>
        <span>
          <LongText of={exception ? text('exception.type') || 'exception' : event.name} lines={2} />
        </span>
        <time dateTime={formatUTC(event.time)} title={formatUTC(event.time)}>
          +{formatDuration(sinceStart)}
        </time>
      </h3>
      {exception && text('exception.message') !== '' && (
        <p>
          <LongText of={text('exception.message')} lines={5} />
        </p>
      )}
      {stack !== '' && <StackTrace text={stack} />}
      {(rest.length > 0 || !exception) && <Attributes attributes={rest} dropped={event.droppedAttributes} />}
    </section>
  );
}

function SpanLinkView(props: { link: SpanLink; traceId: string; tree: Tree; onSelect: (node: Node) => void }) {
  const { link, traceId, tree, onSelect } = props;
  const here = link.traceId === traceId ? tree.nodes.find((n) => n.span.spanId === link.spanId) : undefined;
  return (
    <section className={classes.event}>
      <h3>
        {here !== undefined ? (
          <button type="button" className={classes.link} onClick={() => onSelect(here)}>
            <Text of={`${here.span.service}: ${here.span.name}`} />
          </button>
        ) : (
          <Link
            className={classes.link}
            to="/traces/$traceId"
            params={{ traceId: link.traceId }}
            search={{ span: link.spanId }}
          >
            <code>{link.traceId}</code>
          </Link>
        )}
        <small>{link.traceId === traceId ? 'this trace' : 'another trace'}</small>
      </h3>
      <p>
        span <code>{link.spanId}</code>
        {link.traceState !== '' && (
          <>
            , trace state{' '}
            <code>
              <LongText of={link.traceState} lines={2} />
            </code>
          </>
        )}
      </p>
      {link.attributes.length > 0 && <Attributes attributes={link.attributes} dropped={link.droppedAttributes} />}
    </section>
  );
}
