import { Button } from '@mantine/core';
import { lazy, Suspense, useMemo, useState, type ReactNode } from 'react';
import { Boundary } from '../../parts/Boundary';
import { useShortcut } from '../../parts/Keyboard';
import { LogList } from '../../parts/LogList';
import { plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { Text } from '../../parts/Text';
import { useAddress } from './address';
import { causesOf } from './analysis';
import { useCritical } from './critical';
import { useFinding } from './finding';
import { useFolding } from './folding';
import { Header } from './Header';
import { Notes } from './Notes';
import type { TraceLogs } from './queries';
import { nextOf, useFocus, useSelection } from './selection';
import type { Source } from './source';
import { SpanPanel } from './SpanPanel';
import { Tools } from './Tools';
import { TraceSkeleton } from './TraceSkeleton';
import { TraceTabs } from './TraceTabs';
import classes from './TraceView.module.css';
import { endOf, isWithin, lastBelow, summarise, type Node, type Tree } from './tree';
import { isWhole, useView, wholeView, type View } from './view';
import { Waterfall } from './Waterfall';

// Each in a chunk of its own: most who open a trace look at its waterfall.
const Flame = lazy(() => import('./Flame').then(({ Flame }) => ({ default: Flame })));
const SpanTable = lazy(() => import('./SpanTable').then(({ SpanTable }) => ({ default: SpanTable })));
const TraceMap = lazy(() => import('./TraceMap').then(({ TraceMap }) => ({ default: TraceMap })));
const JsonText = lazy(() => import('./JsonText').then(({ JsonText }) => ({ default: JsonText })));
const Compare = lazy(() => import('./Compare').then(({ Compare }) => ({ default: Compare })));

interface Props {
  source: Source;
  tree: Tree;
  root: Node;
}

/** One trace: what it is, and below that one of the ways of looking at it, beside the span that is selected. */
export function TraceView({ source, tree, root }: Props) {
  const { address, change } = useAddress();
  const { selected, select } = useSelection(tree);
  const { focused, focus } = useFocus(tree);
  const [view, setView] = useView(tree.duration, focused === undefined ? undefined : stretchOf(tree, focused));
  const folding = useFolding(tree, selected, select, focused);
  const finding = useFinding(tree);
  const facts = useMemo(() => summarise(tree), [tree]);
  const causes = useMemo(() => causesOf(tree), [tree]);
  const causeIndices = useMemo(() => new Set(causes.map((n) => n.index)), [causes]);
  const tab = address.tab ?? 'waterfall';
  const shownPath = address.path !== 'off';
  const critical = useCritical(tree, shownPath && tab === 'waterfall');
  const logs = source.kind === 'stored' ? source.logs : undefined;

  // What the waterfall shall have in sight: at first what a link leads to.
  const [wanted, want] = useState(selected && { node: selected });

  const goTo = (node: Node) => {
    // What is not in the subtree that alone is shown is gone to in the whole.
    if (focused !== undefined && !isWithin(node, focused)) focusOn(undefined);
    folding.reveal(node);
    select(node);
    want({ node });
  };
  const step = (among: readonly Node[], by: 1 | -1) => {
    const node = nextOf(among, selected, by);
    if (node !== undefined) goTo(node);
  };
  const focusOn = (node: Node | undefined) => {
    focus(node);
    setView(node === undefined ? wholeView(tree.duration) : stretchOf(tree, node));
  };
  const onCause = causes.length === 0 ? undefined : () => step(causes, 1);
  const onError = facts.errors.length === 0 ? undefined : (by: 1 | -1) => step(facts.errors, by);
  const onFocus =
    selected === undefined || selected === focused || selected.children.length === 0
      ? undefined
      : () => focusOn(selected);
  useShortcut(
    'f',
    'Only this span and what is below it, and all again',
    focused !== undefined && selected === focused ? () => focusOn(undefined) : onFocus,
  );
  useShortcut('c', 'To where an error began', onCause);
  useShortcut('E', 'To the span with an error before', onError && (() => onError(-1)));
  useShortcut('e', 'To the next span with an error', onError && (() => onError(1)));

  const panel = selected !== undefined && (
    <Boundary part="The span" of={selected}>
      <SpanPanel
        tree={tree}
        node={selected}
        stored={source.kind === 'stored'}
        logs={logs?.data}
        onSelect={goTo}
        onClose={() => select(undefined)}
      />
    </Boundary>
  );
  const views: Readonly<Record<typeof tab, () => ReactNode>> = {
    waterfall: () => (
      <Waterfall
        wanted={wanted}
        tree={tree}
        rows={folding.rows}
        collapsed={folding.folded}
        onCollapse={folding.fold}
        selected={selected}
        onSelect={select}
        found={finding.indices}
        service={finding.service}
        onService={finding.setService}
        focused={focused}
        causes={causeIndices}
        critical={critical}
        view={view}
        onView={setView}
      />
    ),
    flame: () => (
      <Flame
        tree={tree}
        selected={selected}
        found={finding.indices}
        causes={causeIndices}
        onSelect={select}
        view={view}
        onView={setView}
      />
    ),
    table: () => <SpanTable tree={tree} />,
    logs: () => logs !== undefined && <LogsOfTrace traceId={source.traceId} start={tree.start} logs={logs} />,
    map: () => <TraceMap tree={tree} onService={(service) => change({ service, tab: undefined })} />,
    json: () => <JsonText source={source} />,
    compare: () => source.kind === 'stored' && <Compare traceId={source.traceId} />,
  };
  const besides = tab === 'waterfall' || tab === 'flame' || tab === 'table';

  return (
    <>
      <Header source={source} tree={tree} root={root} facts={facts} onCause={onCause} />
      <TraceTabs
        tab={tab}
        source={source}
        tools={
          tab === 'waterfall' && (
            <Tools
              onWhole={isWhole(view, tree.duration) ? undefined : () => setView(wholeView(tree.duration))}
              onError={onError}
              onCause={onCause}
              onFocus={onFocus}
              critical={{ shown: shownPath, toggle: () => change({ path: shownPath ? 'off' : undefined }) }}
              anyFolded={folding.any}
              onFoldAll={tree.nodes.length === tree.roots.length ? undefined : folding.toggleAll}
              onFoldService={folding.toggleService}
              finding={finding}
              onStep={(by) => step(finding.look(), by)}
            />
          )
        }
      />
      {tab === 'waterfall' && <Notes facts={facts} onNext={(among) => step(among, 1)} />}
      {tab === 'waterfall' && focused !== undefined && (
        <p className={classes.focused} role="status">
          <span>
            Only{' '}
            <b>
              <Text of={focused.span.name} empty="a span without a name" most={80} />
            </b>{' '}
            and what is below it: {plural(focused.descendants + 1, 'span')} of{' '}
            {tree.nodes.length.toLocaleString('en-US')}
          </span>
          <Button size="compact-xs" variant="default" onClick={() => focusOn(undefined)}>
            Show all
          </Button>
        </p>
      )}
      <div className={classes.split}>
        <Boundary part="This view" of={tab}>
          <Suspense fallback={<TraceSkeleton />}>{views[tab]()}</Suspense>
        </Boundary>
        {besides && panel}
      </div>
    </>
  );
}

/** From the earliest start to the latest end of a subtree. */
function stretchOf(tree: Tree, top: Node): View {
  let from = top.offset;
  let to = endOf(top);
  for (let i = top.index; i <= lastBelow(top); i++) {
    const node = tree.nodes[i]!;
    from = Math.min(from, node.offset);
    to = Math.max(to, endOf(node));
  }
  return { from, to: Math.max(to, from + 1) };
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
