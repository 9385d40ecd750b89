import { IconChevronRight } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Copy } from '../../parts/Copy';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { useHoldRefresh } from '../../parts/refresh';
import { compact } from '../../route/search';
import { useAddress } from './address';
import { DropHint } from './DropHint';
import { useTraceLogs, useTraceSpans } from './queries';
import type { Source } from './source';
import classes from './TracePage.module.css';
import { TraceSkeleton } from './TraceSkeleton';
import { TraceView } from './TraceView';
import { buildTree } from './tree';
import { Walk } from './Walk';

const route = getRouteApi('/traces/$traceId');

export function TracePage() {
  const { traceId } = route.useParams();
  const { address } = useAddress();
  useHoldRefresh('a trace is open');
  const spans = useTraceSpans(traceId);
  const logs = useTraceLogs(traceId);
  const tree = useMemo(() => (spans.data === undefined ? undefined : buildTree(spans.data)), [spans.data]);
  const source: Source = { kind: 'stored', traceId, logs };
  return (
    <Page
      title={tree?.roots[0]?.span.name ?? 'Trace'}
      heading={
        <span className={classes.crumbs}>
          <Link to="/traces" search={compact({ q: address.q, scope: address.scope, sort: address.list })}>
            Traces
          </Link>
          <IconChevronRight size={14} aria-hidden />
          <code>{traceId}</code>
          <Copy text={traceId} label="Copy trace ID" />
          {address.list !== undefined && <Walk traceId={traceId} list={address.list} column={address.column} />}
        </span>
      }
      answer={spans.answer}
      range={false}
    >
      <DropHint />
      <Outcome of={{ ...spans, data: tree }} loading={<TraceSkeleton />} nothing={null}>
        {(whole) => {
          const [root] = whole.roots;
          if (root === undefined) return null; // The server knows no trace without spans.
          // Keyed: what is folded or selected belongs to one trace.
          return <TraceView key={traceId} source={source} tree={whole} root={root} />;
        }}
      </Outcome>
    </Page>
  );
}
