import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo, useRef, type ReactNode } from 'react';
import { LogList } from '../../parts/LogList';
import { Outcome } from '../../parts/Outcome';
import { without } from '../../route/search';
import { useFinding } from './finding';
import { useFolding } from './folding';
import type { TraceLogs } from './queries';
import { nextOf, useSelection } from './selection';
import { SpanPanel } from './SpanPanel';
import { Summary } from './Summary';
import { Tools } from './Tools';
import { TraceSkeleton } from './TraceSkeleton';
import classes from './TraceView.module.css';
import { summarise, type Node, type Tree } from './tree';
import { isWhole, useView, wholeView } from './view';
import { Waterfall, type WaterfallHandle } from './Waterfall';

const route = getRouteApi('/traces/$traceId');

interface Props {
  traceId: string;
  tree: Tree;
  root: Node;
  logs: TraceLogs;
}

/** One trace: its summary, and below it the waterfall or the logs. */
export function TraceView({ traceId, tree, root, logs }: Props) {
  const waterfall = useRef<WaterfallHandle>(null);
  const [view, setView] = useView(tree.duration);
  const { selected, select } = useSelection(tree);
  const folding = useFolding(tree, selected, select);
  const finding = useFinding(tree);
  const facts = useMemo(() => summarise(tree), [tree]);
  const tab = route.useSearch().tab ?? 'waterfall';

  const goTo = (node: Node) => {
    folding.reveal(node);
    select(node);
    // After the rows above it are open.
    requestAnimationFrame(() => waterfall.current?.scrollTo(node));
  };
  const step = (among: readonly Node[], by: 1 | -1) => {
    const node = nextOf(among, selected, by);
    if (node !== undefined) goTo(node);
  };

  return (
    <>
      <Summary
        traceId={traceId}
        tree={tree}
        root={root}
        facts={facts}
        service={finding.service}
        onService={finding.setService}
      />
      <TraceTabs tab={tab} logs={logs}>
        {tab === 'waterfall' && (
          <Tools
            onWhole={isWhole(view, tree.duration) ? undefined : () => setView(wholeView(tree.duration))}
            onNextError={facts.errors.length === 0 ? undefined : () => step(facts.errors, 1)}
            anyFolded={folding.any}
            onFoldAll={tree.nodes.length === tree.roots.length ? undefined : folding.toggleAll}
            finding={finding}
            onStep={(by) => step(finding.found ?? [], by)}
          />
        )}
      </TraceTabs>
      {tab === 'logs' ? (
        <LogsOfTrace traceId={traceId} start={tree.start} logs={logs} />
      ) : (
        <div className={classes.split}>
          <Waterfall
            handle={waterfall}
            tree={tree}
            rows={folding.rows}
            collapsed={folding.folded}
            onCollapse={folding.fold}
            selected={selected}
            onSelect={select}
            found={finding.indices}
            view={view}
            onView={setView}
          />
          {selected !== undefined && (
            <SpanPanel tree={tree} node={selected} logs={logs.data} onSelect={goTo} onClose={() => select(undefined)} />
          )}
        </div>
      )}
    </>
  );
}

/** The tabs below the summary; which one is open stands in the address. The tools of the open one stand beside them. */
function TraceTabs({ tab, logs, children }: { tab: 'waterfall' | 'logs'; logs: TraceLogs; children: ReactNode }) {
  const navigate = route.useNavigate();
  const open = (next: string | null) =>
    void navigate({
      search: (before) => (next === 'logs' ? { ...before, tab: 'logs' as const } : without(before, 'tab')),
      replace: true,
    });
  return (
    <Tabs value={tab} onChange={open} className={classes.tabs}>
      <Tabs.List>
        <Tabs.Tab value="waterfall">Waterfall</Tabs.Tab>
        <Tabs.Tab value="logs">
          Logs
          {logs.data !== undefined && (
            <span className={classes.count}>
              {logs.data.length}
              {logs.hasMore ? '+' : ''}
            </span>
          )}
        </Tabs.Tab>
        {children}
      </Tabs.List>
    </Tabs>
  );
}

/** All log records of a trace, in the order in which things happened. */
function LogsOfTrace({ traceId, start, logs }: { traceId: string; start: bigint; logs: TraceLogs }) {
  const inTrace = useMemo(() => ({ traceId, start }), [traceId, start]);
  return (
    <Outcome
      of={logs}
      loading={<TraceSkeleton />}
      nothing={<p className={classes.none}>No log record names this trace.</p>}
    >
      {(newestFirst) => <LogList logs={newestFirst.toReversed()} inTrace={inTrace} stale={false} />}
    </Outcome>
  );
}
