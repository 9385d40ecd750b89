import { Skeleton, TextInput } from '@mantine/core';
import { IconChartLine, IconSearch } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState } from 'react';
import { getMetric, listMetrics } from '../../api/endpoints';
import type { CatalogueMetric } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { Copy } from '../../parts/Copy';
import { Failure } from '../../parts/Failure';
import { IncompleteNote } from '../../parts/IncompleteNote';
import { Nothing } from '../../parts/Nothing';
import { formatNumber, plural } from '../../parts/number';
import { Page } from '../../parts/Page';
import { useSetTimeRange } from '../../route/time';
import { compact } from '../../route/search';
import { Chart, lineColour } from './Chart';
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
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { answer, error, retry } = useAnswer(['metric-catalogue'], listMetrics);
  const needle = (search.find ?? '').toLowerCase();
  const found = useMemo(
    () =>
      (answer?.data ?? []).filter(
        ({ metric, services }) =>
          metric.name.toLowerCase().includes(needle) ||
          metric.description.toLowerCase().includes(needle) ||
          services.some((s) => s.toLowerCase().includes(needle)),
      ),
    [answer, needle],
  );
  const chosen = answer?.data.find((m) => m.metric.name === search.name) ?? found[0];
  return (
    <Page title="Metrics" answer={answer}>
      {error !== null ? (
        <Failure error={error} retry={retry} />
      ) : answer === undefined ? (
        <div className={classes.skeleton} role="status" aria-label="Loading">
          {Array.from({ length: 12 }, (_, i) => (
            <Skeleton key={i} height={14} width={`${28 - ((i * 7) % 12)}%`} />
          ))}
        </div>
      ) : answer.data.length === 0 ? (
        <Nothing what="metrics" clearFilters={undefined} />
      ) : (
        <div className={classes.split}>
          <div className={classes.catalogue}>
            <div className={classes.find} role="search">
              <TextInput
                size="xs"
                aria-label="Find metrics"
                placeholder={`Find among ${plural(answer.data.length, 'metric')}`}
                leftSection={<IconSearch size={13} />}
                value={search.find ?? ''}
                onChange={(event) => {
                  const find = event.currentTarget.value;
                  void navigate({ search: (before) => compact({ ...before, find }), replace: true });
                }}
              />
            </div>
            <Catalogue metrics={found} chosen={chosen} />
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
      )}
    </Page>
  );
}

function Catalogue({ metrics, chosen }: { metrics: readonly CatalogueMetric[]; chosen: CatalogueMetric | undefined }) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: metrics.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 48,
    overscan: 10,
  });
  return (
    <div ref={scroller} className={classes.scroller}>
      <ul style={{ height: rows.getTotalSize() }} aria-label="Metrics">
        {rows.getVirtualItems().map((item) => {
          const entry = metrics[item.index];
          if (entry === undefined) return null;
          return (
            <li key={item.key} style={{ transform: `translateY(${item.start}px)` }}>
              <Link
                to="/explore/metrics"
                search={(before) => ({ ...before, name: entry.metric.name })}
                className={classes.entry}
                aria-current={entry === chosen ? 'true' : undefined}
                title={entry.metric.description}
              >
                <span>{entry.metric.name}</span>
                <small>
                  {typeLabels[entry.metric.type]}
                  {entry.metric.unit === '' ? '' : ` · ${entry.metric.unit}`} ·{' '}
                  {plural(entry.series, 'series', 'series')}
                </small>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

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
  const { answer, error, retry } = useAnswer(['metric', metric.name], (bounds, signal) =>
    getMetric(metric.name, bounds, signal),
  );
  const all = useMemo(() => (answer === undefined ? undefined : toLines(metric, answer.data.series)), [answer, metric]);
  const lines = useMemo(() => (all === undefined ? undefined : greatest(all, most)), [all]);
  const measure = measureOf(metric);
  const unit = unitLabel(metric.unit, measure);
  return (
    <section className={classes.view} aria-label={metric.name}>
      <header>
        <h2>
          {metric.name}
          <Copy text={metric.name} label="Copy name" />
        </h2>
        {metric.description !== '' && <p>{metric.description}</p>}
        <div className={classes.badges}>
          <span>{typeLabels[metric.type]}</span>
          {metric.type === 'sum' && <span>{metric.monotonic ? 'monotonic' : 'up and down'}</span>}
          {metric.temporality !== 'unspecified' && <span>{metric.temporality}</span>}
          {metric.unit !== '' && <span>unit {metric.unit}</span>}
          <span>{plural(entry.series, 'series', 'series')}</span>
          <span>{plural(entry.points, 'point')}</span>
          <span>{plural(entry.services.length, 'service')}</span>
        </div>
      </header>
      {error !== null ? (
        <Failure error={error} retry={retry} />
      ) : answer === undefined || lines === undefined || all === undefined ? (
        <Skeleton height={280} m={20} w="auto" />
      ) : lines.length === 0 ? (
        <p className={classes.note}>There are too few points in this range to draw a {measureLabels[measure]}.</p>
      ) : (
        <>
          <IncompleteNote answer={answer} />
          <p className={classes.note}>
            Shown: {measureLabels[measure]}
            {all.length > most ? `, the ${most} greatest of ${plural(all.length, 'series', 'series')}` : ''}
          </p>
          <Chart
            lines={lines}
            bounds={answer.bounds}
            unit={unit}
            fromZero={measure !== 'value'}
            onHover={setHovered}
            onSelect={(from, to) => setRange({ kind: 'fixed', from, to })}
          />
          <ul className={classes.legend} aria-label="Series">
            {lines.map((line, i) => (
              <li key={line.id} data-hovered={hovered === i || undefined}>
                <i style={{ background: lineColour(i) }} aria-hidden />
                <span title={line.label}>{line.label}</span>
                <b>
                  {formatNumber(line.values.findLast((v) => v !== null) ?? NaN)} {unit}
                </b>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
