import { Button, Select, Skeleton } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { CatalogueMetric, MetricLines } from '../../api/model';
import { Copy } from '../../parts/Copy';
import { formatCount, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { useFilters } from '../../parts/query/filters';
import { QueryBar } from '../../parts/query/QueryBar';
import { useServiceColour } from '../../parts/service-colours';
import { hint, isolated, shownText } from '../../parts/shown';
import { LongText } from '../../parts/Text';
import { compact, without } from '../../route/search';
import { acrossLabels, aggregationOf, usualQuantiles, type Aggregation } from './aggregation';
import classes from './Explorer.module.css';
import { filtersOf, type Names } from './find';
import { GroupBy } from './GroupBy';
import { Legend } from './Legend';
import { LineChart } from './LineChart';
import { linesOf, quantileLabel, shownOf } from './lines';
import { useLines, useToldQuantiles, type AskedLines } from './queries';
import { typeLabels } from './types';
import { anotherMetric, quantilesFrom, quantilesToSearch, topOf, tops, topToSearch, type MetricsSearch } from './view';

const route = getRouteApi('/explore/metrics');

/** One metric: what is shown of it, over time, and what that comes to. */
export function Explorer({ entry, names }: { entry: CatalogueMetric; names: Names }) {
  const { metric } = entry;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const show = (part: { [K in keyof MetricsSearch]?: MetricsSearch[K] | undefined }) =>
    void navigate({ search: (before) => compact({ ...before, ...part }) });

  const by = search.by ?? none;
  const told = useToldQuantiles(entry);
  const aggregation = useMemo(() => {
    const chosen = quantilesFrom(search.quantile ?? []);
    const { show: way, across } = search;
    return aggregationOf(metric, {
      show: way,
      across,
      quantiles: chosen.length > 0 ? chosen : (told.data ?? []),
      grouped: by.length > 0,
    });
  }, [metric, search, told.data, by]);
  const filters = useFilters('metrics');
  const top = topOf(search);
  const asked = useLines({
    metric: metric.name,
    filters: useMemo(
      () => (filters.data === undefined ? undefined : [...filtersOf(entry, names), ...filters.data]),
      [filters.data, entry, names],
    ),
    aggregation,
    by,
    top,
    exemplars: 0,
  });
  return (
    <section className={classes.view} aria-label={shownText(metric.name, 80)}>
      <Head entry={entry} />
      {/* The catalogue has no filters: the query is about the series of this metric alone. */}
      <QueryBar signal="metrics" />
      <div className={classes.bar}>
        <Choose
          label="Show"
          value={aggregation.way}
          of={aggregation.ways.map(({ id, label }) => ({ value: id, label }))}
          set={(way) =>
            show({ show: way === aggregation.ways[0]?.id ? undefined : way, quantile: undefined, alone: undefined })
          }
        />
        <Quantiles
          aggregation={aggregation}
          told={told.data}
          set={(quantile) => show({ quantile, alone: undefined })}
        />
        {aggregation.across !== undefined && (
          <Choose
            label="Across series"
            value={aggregation.across}
            of={aggregation.acrossOf.map((name) => ({ value: name, label: acrossLabels[name] }))}
            set={(across) => show({ across, alone: undefined })}
          />
        )}
        <GroupBy
          metric={metric.name}
          by={by}
          set={(next) =>
            show({
              by: [...next],
              alone: undefined,
              across: next.length > 0 === by.length > 0 ? search.across : undefined,
            })
          }
        />
        {(by.length > 0 || aggregation.across === 'none') && (
          <Choose
            label="Lines"
            value={String(top)}
            of={tops.map((count) => ({ value: String(count), label: `top ${count}` }))}
            set={(count) => show({ top: topToSearch(Number(count)) })}
          />
        )}
      </div>
      <Outcome
        of={filters.data === undefined ? { ...filters, data: undefined } : asked}
        loading={<Skeleton height={chartHeight} m={20} w="auto" />}
        isEmpty={({ lines }) =>
          lines.every(({ figures }) => figures.every((values) => values.every((v) => v === undefined)))
        }
        nothing={
          <p className={classes.note}>
            There are too few points {filters.any ? 'of this query ' : ''}in this range to tell:{' '}
            {aggregation.label.toLowerCase()}.
          </p>
        }
      >
        {(answer) => <Shown {...{ entry, answer, asked, aggregation, by, search, show }} />}
      </Outcome>
    </section>
  );
}

const none: readonly string[] = [];
const chartHeight = 260;

function Head({ entry }: { entry: CatalogueMetric }) {
  const { metric } = entry;
  const search = route.useSearch();
  return (
    <header>
      <Link to="/explore/metrics" search={without(anotherMetric(search), 'q')} className={classes.back}>
        <IconArrowLeft size={13} aria-hidden /> All metrics
      </Link>
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
        <span>
          {entry.seriesEstimated ? 'about ' : ''}
          {plural(entry.series, 'series', 'series')}
        </span>
        <span>{plural(entry.points, 'point')}</span>
        <span title={hint(entry.services.join(', '))}>{plural(entry.services.length, 'service')}</span>
      </div>
    </header>
  );
}

interface ChooseProps {
  label: string;
  value: string;
  of: { value: string; label: string }[];
  set: (value: string) => void;
}

function Choose({ label, value, of, set }: ChooseProps) {
  return (
    <label className={classes.choose}>
      <span>{label}</span>
      <Select
        size="xs"
        w={Math.min(Math.max(...of.map((one) => one.label.length)) * 7 + 48, 220)}
        aria-label={label}
        data={of}
        value={value}
        allowDeselect={false}
        onChange={(next) => next !== null && set(next)}
      />
    </label>
  );
}

const commonQuantiles: readonly number[] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

/** Of a histogram any, of a summary one of those that it tells. */
function Quantiles(props: {
  aggregation: Aggregation;
  told: readonly number[] | undefined;
  set: (quantiles: string[] | undefined) => void;
}) {
  const { aggregation, told, set } = props;
  const { way, quantiles } = aggregation;
  if (way !== 'quantiles' && way !== 'told') return null;
  const all = [...new Set([...(way === 'told' ? (told ?? []) : commonQuantiles), ...quantiles])].sort((a, b) => a - b);
  const toggled = (q: number) => (quantiles.includes(q) ? quantiles.filter((one) => one !== q) : [...quantiles, q]);
  const usual = (next: readonly number[]) => way === 'quantiles' && next.join() === usualQuantiles.join();
  return (
    <div className={classes.quantiles} role="group" aria-label="Quantiles">
      {all.map((q) => {
        const on = quantiles.includes(q);
        const next = way === 'told' ? [q] : toggled(q).toSorted((a, b) => a - b);
        return (
          <Button
            key={q}
            size="compact-xs"
            variant={on ? 'light' : 'subtle'}
            color={on ? 'brand' : 'gray'}
            aria-pressed={on}
            disabled={next.length === 0}
            onClick={() => set(usual(next) ? undefined : quantilesToSearch(next))}
          >
            {quantileLabel(q)}
          </Button>
        );
      })}
    </div>
  );
}

interface ShownProps {
  entry: CatalogueMetric;
  answer: MetricLines;
  asked: AskedLines;
  aggregation: Aggregation;
  by: readonly string[];
  search: MetricsSearch;
}

function Shown({ entry, answer, asked, aggregation, by, search }: ShownProps) {
  const { metric } = entry;
  const [hovered, setHovered] = useState<string>();
  const serviceColour = useServiceColour();
  const { unit, across, quantiles, label } = aggregation;
  const together = across === undefined || across === 'none' ? 'all series' : `${acrossLabels[across]} of all series`;
  const lines = useMemo(
    () => linesOf(answer, { by, quantiles: aggregation.way === 'quantiles' ? quantiles : [], together, serviceColour }),
    [answer, by, quantiles, together, serviceColour, aggregation.way],
  );
  const shown = shownOf(lines, search.alone);
  const alone = shown.length < lines.length;
  if (asked.bounds === undefined || asked.answer === undefined) return null;
  return (
    <div data-stale={asked.stale || undefined} className={classes.shown}>
      <LineChart
        label={`${label} of ${shownText(metric.name, 80)} over time, ${plural(shown.length, 'line')}`}
        answer={answer}
        told={asked.answer}
        bounds={asked.bounds}
        height={chartHeight}
        lines={shown}
        others={!alone}
        hovered={hovered}
        unit={unit}
        anywhere={aggregation.anywhere}
      />
      <Said answer={answer} others={!alone} />
      <Legend
        lines={lines}
        alone={alone ? shown[0]?.key : undefined}
        unit={unit}
        order={search.legend}
        onHover={setHovered}
      />
    </div>
  );
}

/** What one has to know to read the chart. */
function Said({ answer, others }: { answer: MetricLines; others: boolean }) {
  const { other, lineCount, lines, notes, commonBounds } = answer;
  const texts = [
    ...(other === undefined || !others
      ? []
      : [
          `${lines.length} of ${formatCount(lineCount)} are drawn, those with the highest mean; ` +
            (other.min.length > 0
              ? `the other ${formatCount(other.lines)} lie within the grey band`
              : `the dashed grey line is the other ${formatCount(other.lines)} together`),
        ]),
    ...(commonBounds ? ['the bounds of these histograms differ: figures are by those that all have'] : []),
    ...(notes.gaps > 0 ? [`${plural(notes.gaps, 'gap')} between points too far apart to tell what was added`] : []),
    ...(notes.resets > 0 ? [plural(notes.resets, 'restart')] : []),
    ...(notes.overlaps > 0 ? [`${plural(notes.overlaps, 'point')} of senders that overlap`] : []),
    ...(notes.noNumbers > 0 ? [`${plural(notes.noNumbers, 'point')} without a number`] : []),
  ];
  if (texts.length === 0) return null;
  return <p className={classes.note}>{texts.join(' · ')}</p>;
}
