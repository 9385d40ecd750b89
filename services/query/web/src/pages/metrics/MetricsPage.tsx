import { Skeleton, TextInput } from '@mantine/core';
import { IconChartLine, IconSearch } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { getMetric, listMetrics } from '../../api/endpoints';
import type { CatalogueMetric } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import type { Column } from '../../parts/columns';
import { Copy } from '../../parts/Copy';
import { List } from '../../parts/List';
import { Lines, Loading } from '../../parts/Loading';
import { Nothing } from '../../parts/Nothing';
import { formatNumber, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { useFilters } from '../../parts/query/filters';
import { QueryBar } from '../../parts/query/QueryBar';
import { filterKey } from '../../filter/print';
import { hint, isolated, shownText } from '../../parts/shown';
import { LongText, Text } from '../../parts/Text';
import { useSetTimeRange } from '../../route/time';
import { compact } from '../../route/search';
import { Chart, lineColour } from './Chart';
import { findMetrics, metricKey } from './find';
import { greatest, measureOf, toLines, unitLabel, type Measure } from './lines';
import classes from './MetricsPage.module.css';
import state from '../../parts/State.module.css';

const route = getRouteApi('/explore/metrics');

const typeLabels: Readonly<Record<CatalogueMetric['metric']['type'], string>> = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponential_histogram: 'exp. histogram',
  summary: 'summary',
};

export function MetricsPage() {
  const metrics = useAnswer(['metric-catalogue'], listMetrics);
  return (
    <Page title="Metrics" answer={metrics.answer}>
      <Outcome
        of={metrics}
        loading={
          <Loading gap={24}>
            <Lines count={12} height={14} widest={28} by={12} />
          </Loading>
        }
        nothing={<Nothing what="metrics" clearFilters={undefined} />}
      >
        {(all) => <Explorer metrics={all} />}
      </Outcome>
    </Page>
  );
}

/** The catalogue, to find a metric in, and beside it the one that is chosen. */
function Explorer({ metrics }: { metrics: readonly CatalogueMetric[] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const found = useMemo(() => findMetrics(metrics, search.find ?? ''), [metrics, search.find]);
  const chosen = metrics.find((m) => m.metric.name === search.name) ?? found[0];
  return (
    <div className={classes.split}>
      <div className={classes.catalogue}>
        <div className={classes.find} role="search">
          <TextInput
            size="xs"
            aria-label="Find metrics"
            placeholder={`Find among ${plural(metrics.length, 'metric')}`}
            leftSection={<IconSearch size={13} />}
            value={search.find ?? ''}
            onChange={(event) => {
              const find = event.currentTarget.value;
              void navigate({ search: (before) => compact({ ...before, find }), replace: true });
            }}
          />
        </div>
        <List
          label="Metrics"
          columns={catalogueColumns}
          items={found}
          itemKey={metricKey}
          rowHeight={48}
          gap={0}
          className={classes.entries}
          link={(entry, line) => (
            <Link
              to="/explore/metrics"
              search={(before) => ({ ...before, name: entry.metric.name })}
              aria-current={entry === chosen ? 'true' : undefined}
              title={hint(entry.metric.description)}
              {...line}
            />
          )}
        />
      </div>
      {chosen === undefined ? (
        <div className={state.state}>
          <div className={state.icon}>
            <IconChartLine size={26} stroke={1.6} />
          </div>
          <h2>No metric of this name</h2>
        </div>
      ) : (
        <MetricView key={chosen.metric.name} entry={chosen} />
      )}
    </div>
  );
}

const catalogueColumns: readonly Column<CatalogueMetric>[] = [
  {
    id: 'metric',
    header: '',
    width: 'minmax(0, 1fr)',
    className: classes.entry,
    cell: ({ metric, series, seriesEstimated }) => (
      <>
        <span>
          <Text of={metric.name} empty="no metric name" />
        </span>
        <small>
          {typeLabels[metric.type]}
          {metric.unit === '' ? '' : ` · ${isolated(metric.unit, 24)}`} · {seriesEstimated ? 'about ' : ''}
          {plural(series, 'series', 'series')}
        </small>
      </>
    ),
  },
];

const most = 20;

const measureLabels: Readonly<Record<Measure, string>> = {
  value: 'value',
  rate: 'rate per second',
  mean: 'mean of what was recorded',
};

function MetricView({ entry }: { entry: CatalogueMetric }) {
  const { metric } = entry;
  const setRange = useSetTimeRange();
  const [hovered, setHovered] = useState<number | null>(null);
  const filters = useFilters('metrics');
  const known = filters.data;
  const asked = useAnswer(
    ['metric', metric.name, filterKey(known)],
    (bounds, signal) => getMetric(metric.name, known ?? [], bounds, signal),
    known !== undefined,
  );
  const series = asked.data?.series;
  const all = useMemo(() => (series === undefined ? undefined : toLines(metric, series)), [series, metric]);
  const lines = useMemo(() => (all === undefined ? undefined : greatest(all, most)), [all]);
  const measure = measureOf(metric);
  const unit = shownText(unitLabel(metric.unit, measure), 24);
  return (
    <section className={classes.view} aria-label={shownText(metric.name, 80)}>
      <header>
        <h2>
          <LongText of={metric.name} lines={2} empty="no metric name" />
          <Copy text={metric.name} label="Copy name" />
        </h2>
        {metric.description !== '' && (
          <p>
            <LongText of={metric.description} lines={3} />
          </p>
        )}
        <div className={classes.badges}>
          <span>{typeLabels[metric.type]}</span>
          {metric.type === 'sum' && <span>{metric.monotonic ? 'monotonic' : 'up and down'}</span>}
          {metric.temporality !== 'unspecified' && <span>{metric.temporality}</span>}
          {metric.unit !== '' && <span>unit {isolated(metric.unit, 24)}</span>}
          <span>{plural(entry.series, 'series', 'series')}</span>
          <span>{plural(entry.points, 'point')}</span>
          <span>{plural(entry.services.length, 'service')}</span>
        </div>
      </header>
      {/* The catalogue has no filters: the query is about the series of this metric alone. */}
      <p className={classes.note}>Series of this metric that are drawn:</p>
      <QueryBar signal="metrics" />
      <Outcome
        of={known === undefined ? { ...filters, data: undefined } : { ...asked, data: lines }}
        loading={<Skeleton height={280} m={20} w="auto" />}
        nothing={
          <p className={classes.note}>
            There are too few points {filters.any ? 'of this query ' : ''}in this range to draw a{' '}
            {measureLabels[measure]}.
          </p>
        }
      >
        {(shown) => (
          <>
            <p className={classes.note}>
              Shown: {measureLabels[measure]}
              {all !== undefined && all.length > most
                ? `, the ${most} greatest of ${plural(all.length, 'series', 'series')}`
                : ''}
            </p>
            {asked.bounds !== undefined && (
              <Chart
                lines={shown}
                bounds={asked.bounds}
                unit={unit}
                fromZero={measure !== 'value'}
                onHover={setHovered}
                onSelect={(from, to) => setRange({ kind: 'fixed', from, to })}
              />
            )}
            <ul className={classes.legend} aria-label="Series">
              {shown.map((line, i) => (
                <li key={line.id} data-hovered={hovered === i || undefined}>
                  <i style={{ background: lineColour(i) }} aria-hidden />
                  <span title={hint(line.label)}>
                    <Text of={line.label} />
                  </span>
                  <b>
                    {formatNumber(line.values.findLast((v) => v !== null) ?? NaN)} {unit}
                  </b>
                </li>
              ))}
            </ul>
          </>
        )}
      </Outcome>
    </section>
  );
}
