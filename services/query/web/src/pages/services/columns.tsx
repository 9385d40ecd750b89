import { IconListTree, IconLogs } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { Operation, RED, Service as ServiceModel } from '../../api/model';
import type { Column } from '../../parts/columns';
import { formatCount, formatPercent, formatRate } from '../../parts/number';
import { Service } from '../../parts/Service';
import { formatDuration } from '../../time/duration';
import classes from './columns.module.css';

const byName = (a: ServiceModel, b: ServiceModel) =>
  a.name.localeCompare(b.name) || a.namespace.localeCompare(b.namespace);

/** A figure of an item: its column, which sorts by it. */
function figure<T>(column: Pick<Column<T>, 'id' | 'header' | 'width' | 'cell'>, value: (item: T) => number): Column<T> {
  const sort = { compare: (a: T, b: T) => value(a) - value(b), first: 'descending' } as const;
  return { align: 'end', className: 'numeric', ...column, sort };
}

/** How wide the columns are that services and their operations share. */
const widths = { name: 'minmax(188px, 3.25fr)', spans: 'minmax(32px, 0.69fr)', links: 'minmax(118px, 1.77fr)' };

/** The figures of services and of operations alike. */
const figures = <T extends { red: RED }>(): readonly Column<T>[] => [
  figure(
    { id: 'rate', header: 'Requests', width: 'minmax(66px, 1.13fr)', cell: ({ red }) => formatRate(red.rate) },
    ({ red }) => red.rate,
  ),
  figure(
    {
      id: 'errors',
      header: 'Errors',
      width: 'minmax(58px, 1.06fr)',
      cell: ({ red }) => <ErrorRate rate={red.errorRate} />,
    },
    ({ red }) => red.errorRate,
  ),
  ...(['p50', 'p95', 'p99'] as const).map((quantile) =>
    figure<T>(
      {
        id: quantile,
        header: quantile,
        width: 'minmax(56px, 0.94fr)',
        cell: ({ red }) => formatDuration(red[quantile]),
      },
      ({ red }) => red[quantile],
    ),
  ),
];

/** The columns of the table of services. */
export const serviceColumns: readonly Column<ServiceModel>[] = [
  {
    id: 'name',
    header: 'Service',
    width: widths.name,
    className: classes.name,
    sort: { compare: byName, first: 'ascending' },
    cell: (service) => <Name service={service} />,
  },
  ...figures<ServiceModel>(),
  figure(
    { id: 'spans', header: 'Spans', width: widths.spans, cell: ({ spans }) => formatCount(spans) },
    ({ spans }) => spans,
  ),
  { id: 'links', header: '', width: widths.links, align: 'end', cell: ({ name }) => <Links service={name} /> },
];

/** The columns of the operations of one service, which stand below those of the services. */
export const operationColumns = (service: string): readonly Column<Operation>[] => [
  {
    id: 'name',
    header: 'Operation',
    width: widths.name,
    className: classes.operation,
    cell: ({ name, kind }) => (
      <>
        <Link to="/traces" search={{ service, operation: name }} title={name}>
          {name}
        </Link>
        <small>{kind}</small>
      </>
    ),
  },
  ...figures<Operation>(),
  figure(
    { id: 'spans', header: 'Spans', width: widths.spans, cell: ({ red }) => formatCount(red.requests) },
    ({ red }) => red.requests,
  ),
  { id: 'links', header: '', width: widths.links, cell: () => null },
];

function Name({ service: { name, namespace, basis } }: { service: ServiceModel }) {
  return (
    <>
      <Service name={name} />
      {namespace !== '' && <small>{namespace}</small>}
      {basis === 'all' && (
        <small title="It has no server or consumer spans: the figures are of all its spans">all spans</small>
      )}
    </>
  );
}

function ErrorRate({ rate }: { rate: number }) {
  return (
    <span className={classes.errors} data-level={rate > 0.05 ? 'high' : rate > 0 ? 'some' : 'none'}>
      {formatPercent(rate)}
    </span>
  );
}

function Links({ service }: { service: string }) {
  return (
    <span className={classes.links}>
      <Link to="/traces" search={{ service }} onClick={(event) => event.stopPropagation()}>
        <IconListTree size={14} aria-hidden /> Traces
      </Link>
      <Link to="/logs" search={{ service }} onClick={(event) => event.stopPropagation()}>
        <IconLogs size={14} aria-hidden /> Logs
      </Link>
    </span>
  );
}
