import { Button, Select, Skeleton, Switch } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo, useState, type ReactNode } from 'react';
import type { CatalogueMetric, MetricLines, Value } from '../../api/model';
import { Copy } from '../../parts/Copy';
import { formatCount, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { useFilters } from '../../parts/query/filters';
import { QueryBar } from '../../parts/query/QueryBar';
import { useServiceColour } from '../../parts/service-colours';
import { hint, isolated, shownText } from '../../parts/shown';
import { LongText, Text } from '../../parts/Text';
import { unitOf } from '../../parts/unit';
import { valueText } from '../../parts/value';
import { compact, without } from '../../route/search';
import { acrossLabels, aggregationOf, usualQuantiles, type Aggregation } from './aggregation';
import classes from './Explorer.module.css';
import { ExportMenu } from './ExportMenu';
import { filtersOf, type Names } from './find';
import { GroupBy } from './GroupBy';
import { Legend } from './Legend';
import { LineChart } from './LineChart';
import { Heatmap } from './Heatmap';
import { idOf, isOf, linesOf, quantileLabel, shownOf } from './lines';
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
    exemplars: search.exemplars === 'off' ? 0 : mostExemplars,
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
        <Switch
          size="xs"
          label="Exemplars"
          checked={search.exemplars !== 'off'}
          onChange={(event) => show({ exemplars: event.currentTarget.checked ? undefined : 'off' })}
        />
      </div>
      <Outcome
        of={filters.data === undefined ? { ...filters, data: undefined } : asked}
        loading={<Skeleton height={chartHeight} m={20} w="auto" />}
        isEmpty={isEmpty}
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

const isEmpty = ({ lines }: MetricLines): boolean =>
  lines.every(
    ({ figures, histogram }) =>
      figures.every((values) => values.every((value) => value === undefined)) &&
      (histogram?.counts ?? []).every((counts) => counts === undefined),
  );

const none: readonly string[] = [];
const chartHeight = 260;
/** Exemplars that are drawn: each takes its room. */
const mostExemplars = 60;
/** Groups that have a heatmap each. */
const mostHeatmaps = 6;

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
            // The last one stays: of none there would be nothing to show.
            onClick={() => next.length > 0 && set(usual(next) ? undefined : quantilesToSearch(next))}
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
  const exemplars = useMemo(
    () => (alone ? answer.exemplars.filter((of) => shown.some((line) => isOf(of, line))) : answer.exemplars),
    [answer, alone, shown],
  );
  if (asked.bounds === undefined || asked.answer === undefined) return null;
  const what = across === undefined ? label : `${label}, ${acrossLabels[across]}`;
  const tools = (
    <ExportMenu
      shown={{ metric, answer, told: asked.answer, bounds: asked.bounds, lines: shown, what }}
      unit={unit}
      anywhere={aggregation.anywhere}
    />
  );
  if (aggregation.way === 'heatmap') return <Heatmaps {...{ entry, answer, asked, aggregation, by }}>{tools}</Heatmaps>;
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
        exemplars={exemplars}
        unitOfExemplars={unitOf(metric.unit)}
        observed={aggregation.observed}
      />
      <Said answer={answer} others={!alone}>
        {tools}
      </Said>
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

/** One for each group, all by the same scale of time. */
function Heatmaps(props: Omit<ShownProps, 'search'> & { children: ReactNode }) {
  const { entry, answer, asked, aggregation, by, children } = props;
  const { bounds, answer: told } = asked;
  const drawn = answer.lines.filter(({ histogram }) => histogram !== undefined).slice(0, mostHeatmaps);
  if (bounds === undefined || told === undefined) return null;
  return (
    <div data-stale={asked.stale || undefined} className={classes.shown}>
      {drawn.map((line, i) => {
        const name = by.map((field, n) => `${field} = ${said(line.values[n])}`).join(', ');
        return (
          <div key={name}>
            {name !== '' && (
              <h3 className={classes.group}>
                <Text of={name} />
              </h3>
            )}
            <Heatmap
              label={`${shownText(entry.metric.name, 80)} over time, as a heatmap ${i + 1} of ${drawn.length}`}
              heat={line.histogram!}
              timeline={answer.timeline}
              told={told}
              bounds={bounds}
              height={drawn.length > 1 ? 150 : chartHeight + 60}
              unit={aggregation.unit}
              exemplars={answer.exemplars.filter((of) => isOf(of, { id: idOf(line) }))}
            />
          </div>
        );
      })}
      {answer.lineCount > drawn.length && (
        <p className={classes.note}>
          {drawn.length} of {formatCount(answer.lineCount)} groups are drawn, those with the most observations.
        </p>
      )}
      <Said answer={answer} others={false}>
        {children}
      </Said>
    </div>
  );
}

const said = (value: Value | undefined): string => (value === undefined ? 'none' : valueText(value));

/** What one has to know to read the chart. */
function Said({ answer, others, children }: { answer: MetricLines; others: boolean; children: ReactNode }) {
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
  return (
    <div className={classes.said}>
      <p>{texts.join(' · ')}</p>
      {children}
    </div>
  );
}
