import { ActionIcon, Button, CopyButton, Skeleton, Tabs, TextInput, Tooltip } from '@mantine/core';
import {
  IconAlertCircleFilled,
  IconArrowsMaximize,
  IconChevronDown,
  IconChevronRight,
  IconChevronUp,
  IconDownload,
  IconFold,
  IconLink,
  IconSearch,
  IconUnlink,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useCallback, useMemo, useRef, useState } from 'react';
import { ApiError } from '../../api/client';
import { getTrace, getTraceLogs, traceFile } from '../../api/endpoints';
import type { LogRecord } from '../../api/model';
import { Copy } from '../../parts/Copy';
import { Failure } from '../../parts/Failure';
import { IncompleteNote } from '../../parts/IncompleteNote';
import { LogList } from '../../parts/LogList';
import { formatCount, plural } from '../../parts/number';
import { Page } from '../../parts/Page';
import { useHoldRefresh, useRefresh } from '../../parts/refresh';
import { Service } from '../../parts/Service';
import { target } from '../../parts/target';
import { formatDuration } from '../../time/duration';
import { formatAge, formatInstant, formatUTC } from '../../time/instant';
import { SpanPanel } from './SpanPanel';
import classes from './TracePage.module.css';
import { buildTree, matches, reveal, visibleNodes, type Node, type Tree } from './tree';
import { isWhole, wholeView } from './view';
import { Waterfall, type WaterfallHandle } from './Waterfall';

const route = getRouteApi('/traces/$traceId');

export function TracePage() {
  const { traceId } = route.useParams();
  const { tick } = useRefresh();
  useHoldRefresh('a trace is open');
  const query = useQuery({
    queryKey: ['trace', traceId, tick],
    queryFn: ({ signal }) => getTrace(traceId, signal),
    placeholderData: (previous, previousQuery) => (previousQuery?.queryKey[1] === traceId ? previous : undefined),
    staleTime: Infinity,
    // A link may be quicker than the spans it leads to.
    retry: (failures, error) => error instanceof ApiError && (error.transient || error.status === 404) && failures < 2,
    retryDelay: 1_000,
  });
  const logs = useQuery({
    queryKey: ['trace-logs', traceId, tick],
    queryFn: ({ signal }) => getTraceLogs(traceId, undefined, signal),
    placeholderData: (previous, previousQuery) => (previousQuery?.queryKey[1] === traceId ? previous : undefined),
    staleTime: Infinity,
  });
  const tree = useMemo(() => (query.data === undefined ? undefined : buildTree(query.data.data.spans)), [query.data]);
  const title = tree?.roots[0]?.span.name ?? 'Trace';
  return (
    <Page
      title={title}
      heading={
        <span className={classes.crumbs}>
          <Link to="/traces">Traces</Link>
          <IconChevronRight size={14} aria-hidden />
          <code>{traceId}</code>
          <Copy text={traceId} label="Copy trace ID" />
        </span>
      }
      answer={query.data}
      range={false}
    >
      {tree !== undefined ? (
        <>
          <IncompleteNote answer={query.data} />
          {/* Keyed: what is collapsed or selected belongs to one trace. */}
          <TraceView
            key={traceId}
            traceId={traceId}
            tree={tree}
            logs={logs.data?.data}
            moreLogs={logs.data?.next !== undefined}
            logsError={logs.error}
          />
        </>
      ) : query.error !== null ? (
        <Failure error={query.error} retry={() => void query.refetch()} />
      ) : (
        <TraceSkeleton />
      )}
    </Page>
  );
}

interface ViewProps {
  traceId: string;
  tree: Tree;
  logs: readonly LogRecord[] | undefined;
  moreLogs: boolean;
  logsError: Error | null;
}

function TraceView({ traceId, tree, logs, moreLogs, logsError }: ViewProps) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const waterfall = useRef<WaterfallHandle>(null);
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(new Set());
  const [chosenView, setView] = useState(() => wholeView(tree.duration));
  const [text, setText] = useState('');
  const [highlit, setHighlit] = useState<string>();

  // Spans that arrive late make a trace longer: a view of all of it stays one.
  const [lastDuration, setLastDuration] = useState(tree.duration);
  if (lastDuration !== tree.duration) {
    setLastDuration(tree.duration);
    if (isWhole(chosenView, lastDuration)) setView(wholeView(tree.duration));
  }
  const view = chosenView;

  const selected = useMemo(
    () => (search.span === undefined ? undefined : nodeNamed(tree, search.span)),
    [tree, search.span],
  );
  const opened = useMemo(
    () => (selected === undefined ? collapsed : reveal(selected, collapsed)),
    [selected, collapsed],
  );
  const rows = useMemo(() => visibleNodes(tree, opened), [tree, opened]);
  const found = useMemo(() => {
    const needle = text.trim();
    if (needle === '' && highlit === undefined) return undefined;
    return new Set(
      tree.nodes
        .filter(
          (n) => (needle === '' || matches(n.span, needle)) && (highlit === undefined || n.span.service === highlit),
        )
        .map((n) => n.index),
    );
  }, [tree, text, highlit]);

  const select = useCallback(
    (node: Node | undefined) =>
      void navigate({
        search: (before) => {
          const rest = { ...before };
          delete rest.span;
          return node === undefined ? rest : { ...rest, span: nameOf(tree, node) };
        },
        replace: true,
      }),
    [navigate, tree],
  );
  const collapse = useCallback((node: Node, on: boolean) => {
    setCollapsed((before) => {
      const next = new Set(before);
      if (on) next.add(node.index);
      else next.delete(node.index);
      return next;
    });
  }, []);
  // Collapsing above the selected span would be undone by revealing it: select what was collapsed instead.
  const onCollapse = (node: Node, on: boolean) => {
    if (on && selected !== undefined && isAbove(node, selected)) select(node);
    if (opened !== collapsed) setCollapsed(opened);
    collapse(node, on);
  };
  const goTo = (node: Node) => {
    setCollapsed(reveal(node, opened));
    select(node);
    // After the rows above it are open.
    requestAnimationFrame(() => waterfall.current?.scrollTo(node));
  };
  const step = (among: readonly Node[], by: 1 | -1) => {
    if (among.length === 0) return;
    const from = selected?.index ?? (by === 1 ? -1 : Infinity);
    const next = by === 1 ? among.find((n) => n.index > from) : among.findLast((n) => n.index < from);
    const wrapped = next ?? (by === 1 ? among[0] : among.at(-1));
    if (wrapped !== undefined) goTo(wrapped);
  };
  const foundNodes = found === undefined ? [] : tree.nodes.filter((n) => found.has(n.index));
  const errorNodes = tree.errors === 0 ? [] : tree.nodes.filter((n) => n.span.status === 'error');
  const parents = tree.nodes.filter((n) => n.children.length > 0);
  const orphans = tree.nodes.filter((n) => n.oddity === 'missing-parent').length;
  const root = tree.roots[0];
  if (root === undefined) return null;

  const tab = search.tab ?? 'waterfall';
  return (
    <>
      <section className={classes.summary} aria-label="Summary">
        <div className={classes.headline}>
          <h2>
            <Service name={root.span.service} dim />
            <span>
              {root.span.name} <i>{target(root.span.name, root.span.attributes)}</i>
            </span>
          </h2>
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
        </div>
        <dl className={classes.facts}>
          <div>
            <dt>Duration</dt>
            <dd>{formatDuration(tree.duration)}</dd>
          </div>
          <div>
            <dt>Started</dt>
            <dd>
              <time dateTime={formatUTC(tree.start)} title={formatUTC(tree.start)}>
                {formatInstant(tree.start)}
              </time>
              <Age start={tree.start} />
            </dd>
          </div>
          <div>
            <dt>Spans</dt>
            <dd>{tree.nodes.length.toLocaleString('en-US')}</dd>
          </div>
          <div>
            <dt>Depth</dt>
            <dd>{tree.nodes.reduce((max, n) => Math.max(max, n.depth + 1), 0)}</dd>
          </div>
          <div data-error={tree.errors > 0 || undefined}>
            <dt>Errors</dt>
            <dd>
              {tree.errors > 0 && <IconAlertCircleFilled size={14} aria-hidden />}
              {tree.errors}
            </dd>
          </div>
          {orphans > 0 && (
            <div data-warn>
              <dt>Missing parents</dt>
              <dd>
                <IconUnlink size={14} aria-hidden />
                {orphans}
              </dd>
            </div>
          )}
        </dl>
        <div className={classes.legend} role="group" aria-label="Highlight a service">
          {tree.services.map((service) => (
            <button
              key={service.name}
              type="button"
              aria-pressed={highlit === service.name}
              onClick={() => setHighlit(highlit === service.name ? undefined : service.name)}
              title={`${plural(service.spans, 'span')}${service.errors > 0 ? `, ${plural(service.errors, 'error')}` : ''}`}
            >
              <Service name={service.name} />
              <span className="numeric">{formatCount(service.spans)}</span>
            </button>
          ))}
        </div>
      </section>
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate({
            search: (before) => {
              const rest = { ...before };
              delete rest.tab;
              return next === 'logs' ? { ...rest, tab: 'logs' as const } : rest;
            },
            replace: true,
          })
        }
        className={classes.tabs}
      >
        <Tabs.List>
          <Tabs.Tab value="waterfall">Waterfall</Tabs.Tab>
          <Tabs.Tab value="logs">
            Logs
            {logs !== undefined && (
              <span className={classes.count}>
                {logs.length}
                {moreLogs ? '+' : ''}
              </span>
            )}
          </Tabs.Tab>
          {tab === 'waterfall' && (
            <div className={classes.tools}>
              {!isWhole(view, tree.duration) && (
                <Button
                  size="compact-xs"
                  variant="light"
                  leftSection={<IconArrowsMaximize size={12} />}
                  onClick={() => setView(wholeView(tree.duration))}
                >
                  Whole trace
                </Button>
              )}
              {errorNodes.length > 0 && (
                <Button
                  size="compact-xs"
                  variant="subtle"
                  color="red"
                  leftSection={<IconAlertCircleFilled size={12} />}
                  onClick={() => step(errorNodes, 1)}
                >
                  Next error
                </Button>
              )}
              <Button
                size="compact-xs"
                variant="subtle"
                color="gray"
                leftSection={<IconFold size={13} />}
                disabled={parents.length === 0}
                onClick={() => {
                  const all = collapsed.size > 0 ? [] : parents.filter((n) => n.depth > 0 || tree.roots.length > 1);
                  setCollapsed(new Set(all.map((n) => n.index)));
                  if (all.length > 0) select(undefined);
                }}
              >
                {collapsed.size > 0 ? 'Expand all' : 'Collapse all'}
              </Button>
              <form
                className={classes.search}
                role="search"
                onSubmit={(event) => {
                  event.preventDefault();
                  step(foundNodes, 1);
                }}
              >
                <TextInput
                  size="xs"
                  aria-label="Find spans"
                  placeholder="Find in this trace"
                  leftSection={<IconSearch size={13} />}
                  value={text}
                  onChange={(event) => setText(event.currentTarget.value)}
                  rightSectionWidth={found === undefined ? 10 : 92}
                  rightSection={
                    found !== undefined && (
                      <span className={classes.found}>
                        {found.size}
                        <Tooltip label="Previous">
                          <ActionIcon
                            size={18}
                            variant="subtle"
                            color="gray"
                            aria-label="Previous match"
                            onClick={() => step(foundNodes, -1)}
                          >
                            <IconChevronUp size={13} />
                          </ActionIcon>
                        </Tooltip>
                        <Tooltip label="Next (Enter)">
                          <ActionIcon
                            size={18}
                            variant="subtle"
                            color="gray"
                            aria-label="Next match"
                            onClick={() => step(foundNodes, 1)}
                          >
                            <IconChevronDown size={13} />
                          </ActionIcon>
                        </Tooltip>
                      </span>
                    )
                  }
                />
              </form>
            </div>
          )}
        </Tabs.List>
      </Tabs>
      {tab === 'waterfall' ? (
        <div className={classes.split}>
          <Waterfall
            handle={waterfall}
            tree={tree}
            rows={rows}
            collapsed={opened}
            onCollapse={onCollapse}
            selected={selected}
            onSelect={select}
            found={found}
            view={view}
            onView={setView}
          />
          {selected !== undefined && (
            <SpanPanel tree={tree} node={selected} logs={logs} onSelect={goTo} onClose={() => select(undefined)} />
          )}
        </div>
      ) : logsError !== null && logs === undefined ? (
        <Failure error={logsError} />
      ) : logs === undefined ? (
        <TraceSkeleton />
      ) : logs.length === 0 ? (
        <p className={classes.none}>No log record names this trace.</p>
      ) : (
        <LogList logs={logs.toReversed()} inTrace={{ traceId, start: tree.start }} stale={false} />
      )}
    </>
  );
}

function Age({ start }: { start: bigint }) {
  const [now] = useState(() => Date.now());
  return <small>{formatAge(start, now)}</small>;
}

/** How a span is named in the address: by its span id, or where the trace has that twice, by its own. */
function nameOf(tree: Tree, node: Node): string {
  const { spanId, id } = node.span;
  return tree.nodes.some((n) => n !== node && n.span.spanId === spanId) ? id : spanId;
}

function nodeNamed(tree: Tree, name: string): Node | undefined {
  return tree.nodes.find((n) => n.span.spanId === name) ?? tree.nodes.find((n) => n.span.id === name);
}

function isAbove(candidate: Node, node: Node): boolean {
  for (let above = node.parent; above !== undefined; above = above.parent) if (above === candidate) return true;
  return false;
}

const shareAddress = (traceId: string) => `${window.location.origin}/traces/${traceId}`;

function TraceSkeleton() {
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading">
      <Skeleton height={22} width={320} />
      <Skeleton height={14} width={520} mb={24} />
      {Array.from({ length: 12 }, (_, i) => (
        <div key={i} style={{ paddingLeft: `${(i % 5) * 16}px` }}>
          <Skeleton height={12} width={`${70 - ((i * 29) % 50)}%`} />
        </div>
      ))}
    </div>
  );
}
