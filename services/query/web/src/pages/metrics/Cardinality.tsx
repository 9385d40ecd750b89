import { Skeleton } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { getCardinality, listMetricLabelValues } from '../../api/endpoints';
import type { Cardinality as Told, LabelCardinality, MetricCardinality, MetricLabelValue } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { changeOf, changeSaid, changeText } from '../../parts/changes';
import { orderFromText, orderToText, type Column, type Order } from '../../parts/columns';
import { List, Rows } from '../../parts/List';
import { Lines, Loading } from '../../parts/Loading';
import { Nothing } from '../../parts/Nothing';
import { formatCount, formatPercent, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { isolated, label as labelled } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { valueText } from '../../parts/value';
import { compact } from '../../route/search';
import { formatDuration } from '../../time/duration';
import classes from './Cardinality.module.css';
import { growthOf } from './growth';
import { typeLabels } from './types';
import { labelFromText, labelToText } from './view';

const route = getRouteApi('/explore/metrics');

/** Metrics that are told, those with most series. */
const most = 500;
/** Values of a label that are told. */
const mostValues = 50;

export const useCardinality = (wanted: boolean) =>
  useAnswer(['cardinality'], (bounds, signal) => getCardinality(undefined, most, bounds, signal), wanted, 20_000);

/** Which metrics have most series, and which labels make them. */
export function Cardinality({ of }: { of: ReturnType<typeof useCardinality> }) {
  return (
    <Outcome
      of={of}
      isEmpty={({ metrics }) => metrics.length === 0}
      loading={
        <Loading gap={20}>
          <Lines count={12} height={12} widest={70} by={12} />
        </Loading>
      }
      nothing={<Nothing what="metrics" clearFilters={undefined} />}
    >
      {(told) => <Shown told={told} bounds={of.bounds} />}
    </Outcome>
  );
}

function Shown({ told, bounds }: { told: Told; bounds: { from: bigint; to: bigint } | undefined }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { metrics } = told;
  const columns = useMemo(() => columnsOf(told), [told]);
  const is = search.sort === undefined ? worst : orderFromText(columns, search.sort);
  const growth = changeOf(told.series, told.before ?? NaN);
  const length = bounds === undefined ? undefined : formatDuration(Number(bounds.to - bounds.from));
  const key = ({ metric }: MetricCardinality) =>
    JSON.stringify([metric.name, metric.type, metric.unit, metric.monotonic]);
  const several = new Set(metrics.map(({ metric }) => metric.name)).size < metrics.length;
  return (
    <>
      <p className={classes.head}>
        <b>{plural(told.series, 'series', 'series')}</b> of {plural(told.total, 'metric')}
        {length !== undefined && ` in ${length}`}
        {growth !== undefined && `, ${changeText(growth)} against the ${length ?? 'time'} before`}
        {told.total > metrics.length && `; the ${metrics.length} with most series are listed`}
      </p>
      <List
        label="Cardinality of metrics"
        columns={columns}
        items={metrics}
        itemKey={key}
        rowHeight={36}
        gap={16}
        order={{
          is,
          set: (next) =>
            void navigate({
              search: (before) =>
                compact({ ...before, sort: orderToText(next) === orderToText(worst) ? undefined : orderToText(next) }),
              replace: true,
            }),
        }}
        opening={{
          isOpen: ({ metric }) =>
            metric.name === search.name &&
            (!several ||
              search.type === undefined ||
              (metric.type === search.type && metric.unit === (search.unit ?? ''))),
          toggle: ({ metric }) =>
            void navigate({
              search: (before) =>
                compact({
                  ...before,
                  label: undefined,
                  ...(before.name === metric.name && (before.type ?? metric.type) === metric.type
                    ? { name: undefined, type: undefined, unit: undefined }
                    : {
                        name: metric.name,
                        type: several ? metric.type : undefined,
                        unit: several ? metric.unit : undefined,
                      }),
                }),
            }),
          label: ({ metric }, open) => `${open ? 'Hide' : 'Show'} the labels of ${labelled(metric.name)}`,
          detail: (of) => <Labels of={of} />,
        }}
      />
    </>
  );
}

const worst: Order = { by: 'series', descending: true };

function Growth({ now, before }: { now: number; before: number | undefined }) {
  if (before === undefined) return <span className={classes.quiet}>not known</span>;
  const change = changeOf(now, before);
  if (change === undefined) return <span className={classes.quiet}>as before</span>;
  return (
    <span
      title={`${before.toLocaleString('en-US')} in the period before, which is as long`}
      aria-label={changeSaid(change)}
    >
      {changeText(change)}
    </span>
  );
}

function columnsOf({ series: all, metrics }: Told): readonly Column<MetricCardinality>[] {
  const greatest = metrics.reduce((n, { series }) => Math.max(n, series), 1);
  return [
    {
      id: 'name',
      header: 'Metric',
      width: 'minmax(180px, 1fr)',
      className: classes.clip,
      sort: {
        compare: ({ metric: a }, { metric: b }) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
        first: 'ascending',
      },
      cell: ({ metric }) => <Text of={metric.name} empty="no metric name" />,
    },
    {
      id: 'type',
      header: 'Type',
      width: '108px',
      narrow: null,
      className: classes.quiet,
      cell: ({ metric }) => typeLabels[metric.type],
    },
    {
      id: 'unit',
      header: 'Unit',
      width: '90px',
      narrow: null,
      className: classes.quiet,
      cell: ({ metric }) => (metric.unit === '' ? '' : isolated(metric.unit, 24)),
    },
    {
      id: 'series',
      header: 'Series',
      width: '90px',
      align: 'end',
      className: classes.figure,
      sort: { compare: (a, b) => a.series - b.series, first: 'descending' },
      cell: ({ series, estimated }) => `${estimated ? '≈ ' : ''}${formatCount(series)}`,
    },
    {
      id: 'share',
      header: 'Of all',
      width: 'minmax(90px, 200px)',
      narrow: null,
      cell: ({ series }) => (
        <span className={classes.share}>
          <i style={{ width: `${(series / greatest) * 60}%` }} aria-hidden />
          {formatPercent(all > 0 ? series / all : 0)}
        </span>
      ),
    },
    {
      id: 'growth',
      header: 'Growth',
      width: '96px',
      align: 'end',
      className: classes.figure,
      sort: { compare: (a, b) => growthOf(a) - growthOf(b), first: 'descending' },
      cell: ({ series, before }) => <Growth now={series} before={before} />,
    },
  ];
}

/** The labels of one metric, those with most values first: what has most values, and most new ones, makes the series. */
function Labels({ of: { metric } }: { of: MetricCardinality }) {
  const search = route.useSearch();
  const asked = useAnswer(
    ['cardinality-labels', metric.name],
    (bounds, signal) => getCardinality(metric.name, 20, bounds, signal),
    true,
    20_000,
  );
  const own = asked.data?.metrics.find(
    (one) =>
      one.metric.type === metric.type && one.metric.unit === metric.unit && one.metric.monotonic === metric.monotonic,
  );
  const chosen = labelFromText(search.label);
  const labels = useMemo(
    () => (asked.data === undefined ? undefined : (own?.labels ?? []).toSorted((a, b) => b.values - a.values)),
    [asked.data, own],
  );
  return (
    <div className={classes.detail}>
      <Link to="/explore/metrics" search={({ range, from, to }) => compact({ range, from, to, name: metric.name })}>
        Show this metric
      </Link>
      <div className={classes.labels}>
        <Outcome of={{ ...asked, data: labels }} loading={<Skeleton height={80} />} nothing={<p>It has no labels.</p>}>
          {(found) => (
            <Rows
              label="Labels"
              table
              columns={labelColumns}
              items={found}
              itemKey={labelToText}
              rowHeight={28}
              gap={14}
            />
          )}
        </Outcome>
        {chosen !== undefined && <Values name={metric.name} label={chosen} />}
      </div>
    </div>
  );
}

const labelColumns: readonly Column<LabelCardinality>[] = [
  {
    id: 'label',
    header: '',
    width: 'minmax(140px, 420px)',
    className: classes.clip,
    cell: (label) => (
      <Link
        to="/explore/metrics"
        replace
        search={(before) => {
          const text = labelToText(label);
          return compact({ ...before, label: before.label === text ? undefined : text });
        }}
      >
        <Text of={label.scope === 'resource' ? `resource.${label.key}` : label.key} />
      </Link>
    ),
  },
  {
    id: 'values',
    header: '',
    width: '110px',
    align: 'end',
    className: classes.figure,
    cell: ({ values, estimated }) =>
      `${estimated ? '≈ ' : ''}${formatCount(values)} ${values === 1 ? 'value' : 'values'}`,
  },
  {
    id: 'growth',
    header: '',
    width: '96px',
    align: 'end',
    className: classes.figure,
    cell: ({ values, before }) => <Growth now={values} before={before} />,
  },
];

/** The values of a label, those that most series have first. */
function Values({ name, label }: { name: string; label: Pick<LabelCardinality, 'scope' | 'key'> }) {
  const asked = useAnswer(
    ['label-values', name, labelToText(label)],
    (bounds, signal) => listMetricLabelValues(name, label, mostValues, bounds, signal),
    true,
    20_000,
  );
  return (
    <section className={classes.values} aria-label={`Values of ${labelled(label.key)}`}>
      <h3>
        Values of <Text of={label.key} most={120} />
        {asked.data !== undefined && asked.data.total > asked.data.values.length && (
          <small>
            the {asked.data.values.length} with most series, of {formatCount(asked.data.total)}
          </small>
        )}
      </h3>
      <Outcome
        of={{ ...asked, data: asked.data?.values }}
        loading={<Skeleton height={60} />}
        nothing={<p>None in this time range.</p>}
      >
        {(found) => (
          <Rows label="Values" table columns={valueColumns} items={found} itemKey={valueKey} rowHeight={26} gap={14} />
        )}
      </Outcome>
    </section>
  );
}

const valueKey = ({ value }: MetricLabelValue) => `${value.type} ${valueText(value)}`;

const valueColumns: readonly Column<MetricLabelValue>[] = [
  {
    id: 'value',
    header: '',
    width: 'minmax(140px, 420px)',
    className: classes.clip,
    cell: ({ value }) => <Text of={valueText(value)} />,
  },
  {
    id: 'series',
    header: '',
    width: '110px',
    align: 'end',
    className: classes.figure,
    cell: ({ series }) => `${formatCount(series)} series`,
  },
];
