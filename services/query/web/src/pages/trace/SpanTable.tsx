import { SegmentedControl } from '@mantine/core';
import { IconAlertCircleFilled } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { orderFromText, orderToText, type Column } from '../../parts/columns';
import { List } from '../../parts/List';
import { formatMillis, formatPercent, plural } from '../../parts/number';
import { Service } from '../../parts/Service';
import { target } from '../../parts/target';
import { Text } from '../../parts/Text';
import { formatDuration } from '../../time/duration';
import { compact } from '../../route/search';
import { useAddress } from './address';
import { meanOf, operationsOf, selfTimeOf, type TraceOperation } from './operations';
import { nameOf } from './selection';
import classes from './SpanTable.module.css';
import { spanDuration, type Node, type Tree } from './tree';

type Before = Record<string, unknown>;

/** The spans of a trace as lines that sort, or added up by what they did. */
export function SpanTable({ tree }: { tree: Tree }) {
  const { address, change } = useAddress();
  const rows = address.rows ?? 'operations';
  const operations = useMemo(() => operationsOf(tree.nodes), [tree]);
  return (
    <div className={classes.table}>
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          aria-label="What has a line"
          value={rows}
          onChange={(next) => change({ rows: next === 'spans' ? 'spans' : undefined, sort: undefined })}
          data={[
            { value: 'operations', label: 'Operations' },
            { value: 'spans', label: 'Spans' },
          ]}
        />
        <span>
          {rows === 'spans'
            ? `${plural(tree.nodes.length, 'span')} of this trace`
            : `${plural(operations.length, 'operation')} of the ${plural(tree.nodes.length, 'span')} of this trace; self time is that in which no child ran`}
        </span>
      </div>
      {rows === 'spans' ? <Spans tree={tree} /> : <Operations tree={tree} operations={operations} />}
    </div>
  );
}

function Operations({ tree, operations }: { tree: Tree; operations: readonly TraceOperation[] }) {
  const { address, change } = useAddress();
  const columns = useMemo(() => operationColumns(selfTimeOf(tree.nodes)), [tree]);
  const order = useMemo(() => orderFromText(columns, address.sort ?? '-self'), [columns, address.sort]);
  return (
    <List
      label="Operations of the trace"
      columns={columns}
      items={operations}
      itemKey={(operation) => operation.key}
      rowHeight={30}
      gap={14}
      order={{ is: order, set: (next) => change({ sort: orderToText(next) }) }}
      link={({ service, name }, line) => (
        <Link
          to="."
          search={(before: Before) =>
            compact({ ...before, tab: undefined, rows: undefined, sort: undefined, service, find: name })
          }
          {...line}
        />
      )}
    />
  );
}

const text = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
const most = { first: 'descending' } as const;

const operationColumns = (self: number): readonly Column<TraceOperation>[] => [
  {
    id: 'service',
    header: 'Service',
    width: 'minmax(90px, 180px)',
    sort: { first: 'ascending', compare: (a, b) => text(a.service, b.service) },
    cell: ({ service }) => <Service name={service} dim />,
  },
  {
    id: 'name',
    header: 'Operation',
    width: 'minmax(120px, 1fr)',
    className: classes.name,
    sort: { first: 'ascending', compare: (a, b) => text(a.name, b.name) },
    cell: ({ name }) => <Text of={name} empty="no span name" />,
  },
  {
    id: 'spans',
    header: 'Spans',
    width: '64px',
    align: 'end',
    className: 'numeric',
    sort: { ...most, compare: (a, b) => a.spans - b.spans },
    cell: ({ spans }) => spans.toLocaleString('en-US'),
  },
  {
    id: 'errors',
    header: 'Errors',
    width: '64px',
    align: 'end',
    className: classes.errors,
    sort: { ...most, compare: (a, b) => a.errors - b.errors },
    cell: ({ errors }) => errors > 0 && errors.toLocaleString('en-US'),
  },
  {
    id: 'self',
    header: 'Self, ms',
    width: '92px',
    align: 'end',
    className: 'numeric',
    sort: { ...most, compare: (a, b) => a.selfTime - b.selfTime },
    cell: ({ selfTime }) => formatMillis(selfTime),
  },
  {
    id: 'share',
    header: 'of all',
    width: '104px',
    narrow: null,
    className: classes.share,
    cell: ({ selfTime }) => (
      <>
        <i style={{ width: `${self === 0 ? 0 : (selfTime / self) * 50}px` }} aria-hidden />
        {formatPercent(self === 0 ? 0 : selfTime / self)}
      </>
    ),
  },
  {
    id: 'mean',
    header: 'Mean, ms',
    width: '92px',
    align: 'end',
    className: 'numeric',
    sort: { ...most, compare: (a, b) => meanOf(a) - meanOf(b) },
    cell: (operation) => formatMillis(meanOf(operation)),
  },
  {
    id: 'longest',
    header: 'Max, ms',
    width: '92px',
    align: 'end',
    className: 'numeric',
    narrow: null,
    sort: { ...most, compare: (a, b) => a.longest - b.longest },
    cell: ({ longest }) => formatMillis(longest),
  },
];

function Spans({ tree }: { tree: Tree }) {
  const { address, change } = useAddress();
  const order = useMemo(() => orderFromText(spanColumns, address.sort ?? 'start'), [address.sort]);
  return (
    <List
      label="Spans of the trace"
      columns={spanColumns}
      items={tree.nodes}
      itemKey={(node) => String(node.index)}
      rowHeight={30}
      gap={14}
      order={{ is: order, set: (next) => change({ sort: orderToText(next) }) }}
      link={(node, line) => (
        <Link to="." replace search={(before: Before) => ({ ...before, span: nameOf(tree, node) })} {...line} />
      )}
    />
  );
}

const spanColumns: readonly Column<Node>[] = [
  {
    id: 'start',
    header: 'Start',
    width: '84px',
    align: 'end',
    className: 'numeric',
    sort: { first: 'ascending', compare: (a, b) => a.offset - b.offset || a.index - b.index },
    cell: (node) => `+${formatDuration(node.offset)}`,
  },
  {
    id: 'service',
    header: 'Service',
    width: 'minmax(90px, 180px)',
    sort: { first: 'ascending', compare: (a, b) => text(a.span.service, b.span.service) },
    cell: ({ span }) => <Service name={span.service} dim />,
  },
  {
    id: 'name',
    header: 'Span',
    width: 'minmax(120px, 1fr)',
    className: classes.name,
    sort: { first: 'ascending', compare: (a, b) => text(a.span.name, b.span.name) },
    cell: ({ span }) => {
      const path = target(span.name, span.attributes);
      return (
        <>
          <Text of={span.name} empty="no span name" /> {path !== '' && <Text of={path} />}
        </>
      );
    },
  },
  {
    id: 'kind',
    header: 'Kind',
    width: '76px',
    narrow: null,
    className: classes.quiet,
    sort: { first: 'ascending', compare: (a, b) => text(a.span.kind, b.span.kind) },
    cell: ({ span }) => span.kind,
  },
  {
    id: 'duration',
    header: 'Duration',
    width: '92px',
    align: 'end',
    className: 'numeric',
    sort: { ...most, compare: (a, b) => a.span.duration - b.span.duration },
    cell: ({ span }) => spanDuration(span),
  },
  {
    id: 'self',
    header: 'Self',
    width: '84px',
    align: 'end',
    className: 'numeric',
    narrow: null,
    sort: { ...most, compare: (a, b) => a.selfTime - b.selfTime },
    cell: (node) => formatDuration(node.selfTime),
  },
  {
    id: 'status',
    header: 'Status',
    width: '72px',
    className: classes.errors,
    sort: { ...most, compare: (a, b) => Number(a.span.status === 'error') - Number(b.span.status === 'error') },
    cell: ({ span }) =>
      span.status === 'error' ? (
        <>
          <IconAlertCircleFilled size={13} aria-hidden /> error
        </>
      ) : (
        <span>{span.status}</span>
      ),
  },
];
