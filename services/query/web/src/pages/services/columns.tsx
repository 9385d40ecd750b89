import { IconListTree, IconLogs, IconSitemap } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Service as ServiceModel, ServiceList } from '../../api/model';
import { Change } from '../../parts/Change';
import { orderToText, type Column, type Order } from '../../parts/columns';
import { healthOf } from '../../parts/health';
import { sentBy, tracesOf } from '../../parts/leads';
import { formatCount, formatHundredths, formatMillis, formatPercent, formatPerSecond } from '../../parts/number';
import { Service } from '../../parts/Service';
import { ServiceLink } from '../../parts/ServiceLink';
import { Sparkline } from '../../parts/Sparkline';
import { bucketRates, bucketShares } from '../../parts/timeline';
import { formatDuration } from '../../time/duration';
import { formatAge, formatInstant } from '../../time/instant';
import classes from './columns.module.css';
import { impact } from './services';

const byName = (a: ServiceModel, b: ServiceModel) =>
  a.name.localeCompare(b.name) || a.namespace.localeCompare(b.namespace);

/** Those that cost most come first. */
export const defaultOrder: string = orderToText({ by: 'impact', descending: true } satisfies Order);

type Told = Pick<Column<ServiceModel>, 'id' | 'header' | 'width' | 'cell'> & Partial<Column<ServiceModel>>;

/** A figure of a service: its column, which sorts by it. */
function figure(column: Told, value: (service: ServiceModel) => number): Column<ServiceModel> {
  const compare = (a: ServiceModel, b: ServiceModel) => value(a) - value(b);
  return { align: 'end', className: 'numeric', ...column, sort: { compare, first: 'descending' } };
}

/** A figure with what it was before and how it went: as wide as there is room, but for its number. */
const trend = 'minmax(104px, 192px)';

/** The columns of the table of services; `now` in milliseconds, for ages. */
export function serviceColumns(list: ServiceList, now: number): readonly Column<ServiceModel>[] {
  const most = list.services.reduce((sum, service) => Math.max(sum, impact(service)), 0);
  const quantile = (id: 'p50' | 'p99') =>
    figure(
      {
        id,
        header: `${id}, ms`,
        width: '62px',
        narrow: null,
        cell: ({ red }) => <span title={formatDuration(red[id])}>{formatMillis(red[id])}</span>,
      },
      ({ red }) => red[id],
    );
  return [
    {
      id: 'name',
      header: 'Service',
      width: 'minmax(140px, 1fr)',
      className: classes.name,
      sort: { compare: byName, first: 'ascending' },
      cell: (service) => <Name service={service} />,
    },
    figure(
      { id: 'rate', header: 'Rate, /s', width: trend, cell: (service) => <Rate {...{ service, list }} /> },
      (s) => s.red.rate,
    ),
    figure(
      { id: 'errors', header: 'Errors, %', width: trend, cell: (service) => <Errors {...{ service }} /> },
      (s) => s.red.errorRate,
    ),
    quantile('p50'),
    figure(
      { id: 'p95', header: 'p95, ms', width: trend, cell: (service) => <P95 service={service} /> },
      (s) => s.red.p95,
    ),
    quantile('p99'),
    figure(
      {
        id: 'impact',
        header: 'Impact',
        width: '58px',
        narrow: null,
        cell: (service) => <Impact service={service} most={most} />,
      },
      impact,
    ),
    figure(
      {
        id: 'first',
        header: 'First seen',
        width: '74px',
        narrow: null,
        cell: (service) => <First {...{ service, list, now }} />,
      },
      (s) => Number(s.ever?.first ?? s.firstSeen),
    ),
    figure(
      {
        id: 'last',
        header: 'Last seen',
        width: '72px',
        className: classes.seen,
        cell: (s) => <span title={formatInstant(s.lastSeen, 0)}>{formatAge(s.lastSeen, now)}</span>,
      },
      (s) => Number(s.lastSeen),
    ),
    { id: 'links', header: '', width: '76px', align: 'end', cell: (service) => <Links service={service} /> },
  ];
}

/** On a phone each service is a card. */
export const phoneColumns = (list: ServiceList): readonly Column<ServiceModel>[] => [
  {
    id: 'card',
    header: '',
    width: 'minmax(0, 1fr)',
    cell: (service) => (
      <div className={classes.card}>
        <span className={classes.name}>
          <Name service={service} />
        </span>
        <span className={classes.spark}>
          <Sparkline values={rates(service, list)} />
        </span>
        <div className={`${classes.facts} numeric`}>
          <span>{formatPerSecond(service.red.rate)} /s</span>
          <span className={classes.failing} data-health={healthOf(service.red)}>
            {formatPercent(service.red.errorRate)} failed
          </span>
          <span>
            p95 {formatDuration(service.red.p95)} <SlowerBy service={service} />
          </span>
        </div>
      </div>
    ),
  },
];

function Name({ service }: { service: ServiceModel }) {
  const { name, namespace, basis, red } = service;
  return (
    <ServiceLink name={name} namespace={namespace === '' ? undefined : namespace} className={classes.open}>
      <span
        className={classes.health}
        data-health={healthOf(red)}
        title={`${formatPercent(red.errorRate)} of ${formatCount(red.requests)} requests failed`}
      />
      <Service name={name} />
      {namespace !== '' && (
        <small>
          <bdi>{namespace}</bdi>
        </small>
      )}
      {basis === 'all' && (
        <small title="It has no server or consumer spans: the figures are of all its spans">all spans</small>
      )}
    </ServiceLink>
  );
}

/** A number, below it how it changed, and beside them how it went. */
function Trend({ value, change, line }: { value: ReactNode; change: ReactNode; line: ReactNode }) {
  return (
    <span className={classes.trend}>
      {line}
      <span>
        {value}
        {change}
      </span>
    </span>
  );
}

const rates = ({ series }: ServiceModel, { timeline, covered }: ServiceList) =>
  series === undefined || timeline === undefined ? [] : bucketRates(series.requests, timeline, covered);

const requests = ({ red, before }: ServiceModel) => [red.requests, before?.requests ?? 0] as const;

function Rate({ service, list }: { service: ServiceModel; list: ServiceList }) {
  const { red, before, series } = service;
  return (
    <Trend
      value={<span title={`${formatCount(red.requests)} requests`}>{formatPerSecond(red.rate)}</span>}
      change={
        before !== undefined && (
          <Change
            now={red.rate}
            before={before.rate}
            requests={requests(service)}
            was={`${formatPerSecond(before.rate)} /s`}
          />
        )
      }
      line={series !== undefined && <Sparkline values={rates(service, list)} />}
    />
  );
}

function Errors({ service }: { service: ServiceModel }) {
  const { red, before, series } = service;
  return (
    <Trend
      value={
        <span
          className={red.errors === 0 ? classes.none : classes.failing}
          data-health={healthOf(red)}
          title={`${formatCount(red.errors)} of ${formatCount(red.requests)} requests`}
        >
          {formatHundredths(red.errorRate)}
        </span>
      }
      change={
        before !== undefined && (
          <Change
            now={red.errorRate}
            before={before.errorRate}
            requests={requests(service)}
            more="failing"
            was={`${formatPercent(before.errorRate)} failed`}
          />
        )
      }
      line={series !== undefined && <Sparkline values={bucketShares(series.errors, series.requests)} failures />}
    />
  );
}

function P95({ service }: { service: ServiceModel }) {
  const { red, series } = service;
  return (
    <Trend
      value={<span title={formatDuration(red.p95)}>{formatMillis(red.p95)}</span>}
      change={<SlowerBy service={service} />}
      line={series !== undefined && <Sparkline values={series.p95} />}
    />
  );
}

function SlowerBy({ service }: { service: ServiceModel }) {
  const { red, before } = service;
  if (before === undefined) return null;
  return (
    <Change
      now={red.p95}
      before={before.p95}
      requests={requests(service)}
      more="slower"
      was={`p95 was ${formatDuration(before.p95)}`}
    />
  );
}

function Impact({ service, most }: { service: ServiceModel; most: number }) {
  const { red } = service;
  const value = impact(service);
  return (
    <span
      className={classes.impact}
      title={`${formatPerSecond(red.rate)} requests a second × p95 ${formatDuration(red.p95)}`}
    >
      {formatPerSecond(value)}
      <i aria-hidden>
        <i style={{ width: `${most > 0 ? (value / most) * 100 : 0}%` }} />
      </i>
    </span>
  );
}

/** A service that nothing is known of from before the range, while there is something of others, is new. */
function First({ service, list, now }: { service: ServiceModel; list: ServiceList; now: number }) {
  const first = service.ever?.first ?? service.firstSeen;
  const from = list.covered.from;
  if (service.ever !== undefined && first > from && list.keptSince !== undefined && list.keptSince < from) {
    return (
      <span className={classes.new} title={`First seen ${formatInstant(first, 0)}`}>
        new
      </span>
    );
  }
  return (
    <span className={classes.seen} title={formatInstant(first, 0)}>
      {formatAge(first, now)}
    </span>
  );
}

function Links({ service: { name, namespace } }: { service: ServiceModel }) {
  return (
    <span className={classes.links}>
      <Link
        to="/traces"
        search={tracesOf({ service: name, namespace })}
        aria-label={`Traces of ${name}`}
        title="Traces"
      >
        <IconListTree size={15} />
      </Link>
      <Link to="/logs" search={sentBy({ service: name, namespace })} aria-label={`Logs of ${name}`} title="Logs">
        <IconLogs size={15} />
      </Link>
      <Link to="/map" search={{ find: name }} aria-label={`${name} on the map`} title="On the map">
        <IconSitemap size={15} />
      </Link>
    </span>
  );
}
