import { TextInput } from '@mantine/core';
import { IconChevronDown, IconChevronRight, IconFolder, IconSearch } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo, type CSSProperties } from 'react';
import { queryMetric } from '../../api/endpoints';
import type { CatalogueMetric, Values } from '../../api/model';
import { asText, useAnswer } from '../../parts/answer';
import { extentOf, valueScale } from '../../parts/chartLayout';
import { orderFromText, orderToText, type Column, type Order } from '../../parts/columns';
import { List } from '../../parts/List';
import { formatCount, plural } from '../../parts/number';
import { usePhone } from '../../parts/phone';
import { hint, isolated } from '../../parts/shown';
import { Sparkline } from '../../parts/Sparkline';
import { Text } from '../../parts/Text';
import { compact } from '../../route/search';
import { glanceOf } from './aggregation';
import classes from './Catalogue.module.css';
import { filtersOf, findMetrics, metricKey, nameInAddress, type Names } from './find';
import { folderRows, opens, type CatalogueRow } from './folders';
import { Queue } from './queue';
import { typeLabels } from './types';
import { anotherMetric } from './view';

const route = getRouteApi('/explore/metrics');

interface Props {
  names: Names;
  /** The one that is shown beside it; where there is none, the catalogue has all the room. */
  chosen: CatalogueMetric | undefined;
}

/** All metrics, in folders by what their names begin with, or those that are found. */
export function Catalogue({ names, chosen }: Props) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { metrics } = names;
  const phone = usePhone();
  const beside = chosen !== undefined || phone;
  const columns = useMemo(() => (beside ? besideColumns(names) : wideColumns(names)), [beside, names]);
  const order = search.sort === undefined ? byName : orderFromText(columns, search.sort);
  const rows = useMemo(
    () => rowsOf(metrics, search.find, search.folder, order),
    [metrics, search.find, search.folder, order],
  );
  return (
    <div className={classes.catalogue} data-beside={beside || undefined}>
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
      {rows.length === 0 ? (
        <p className={classes.none}>No metric has this in its name, its description or its services.</p>
      ) : (
        <List
          label="Metrics"
          columns={columns}
          items={rows}
          itemKey={rowKey}
          rowHeight={beside ? 48 : 38}
          gap={beside ? 8 : 16}
          className={classes.entries}
          {...(beside
            ? {}
            : {
                order: {
                  is: order,
                  set: (next: Order) =>
                    void navigate({
                      search: (before) =>
                        compact({ ...before, sort: orderToText(next) === 'name' ? undefined : orderToText(next) }),
                      replace: true,
                    }),
                },
              })}
          link={(row, line) =>
            row.kind === 'folder' ? (
              <Link
                to="/explore/metrics"
                search={(before) => compact({ ...before, folder: turned(before.folder ?? [], row.path) })}
                replace
                aria-expanded={row.open}
                {...line}
              />
            ) : (
              <Link
                to="/explore/metrics"
                search={(before) => ({ ...anotherMetric(before), ...nameInAddress(row.entry, names) })}
                aria-current={row.entry === chosen ? 'true' : undefined}
                title={hint(row.entry.metric.description)}
                {...line}
              />
            )
          }
        />
      )}
    </div>
  );
}

const byName: Order = { by: 'name', descending: false };

const turned = (folders: readonly string[], path: string): string[] =>
  folders.includes(path) ? folders.filter((one) => one !== path) : [...folders, path];

const rowKey = (row: CatalogueRow): string => (row.kind === 'folder' ? `folder ${row.path}` : metricKey(row.entry));

/** Folders where all are listed by their names; a list where they are found or sorted by something else. */
function rowsOf(
  metrics: readonly CatalogueMetric[],
  find: string | undefined,
  folders: readonly string[] | undefined,
  { by, descending }: Order,
): readonly CatalogueRow[] {
  if (find === undefined && by === 'name' && !descending)
    return folderRows(metrics, opens(metrics.length, folders ?? []));
  const found = findMetrics(metrics, find ?? '');
  const sign = descending ? -1 : 1;
  const key = (entry: CatalogueMetric): number => (by === 'series' ? entry.series : by === 'points' ? entry.points : 0);
  const compare = (a: CatalogueMetric, b: CatalogueMetric) =>
    by === 'name' ? sign * nameOrder(a, b) : sign * (key(a) - key(b)) || nameOrder(a, b);
  const sorted = found.toSorted(compare);
  return sorted.map((entry) => ({ kind: 'metric', entry, depth: 0 }));
}

const nameOrder = (a: CatalogueMetric, b: CatalogueMetric) =>
  a.metric.name < b.metric.name ? -1 : a.metric.name > b.metric.name ? 1 : 0;

/** What stands in the cell of a metric, and what in that of a folder. */
const cell =
  (
    of: (entry: CatalogueMetric) => React.ReactNode,
    folder: (row: CatalogueRow & { kind: 'folder' }) => React.ReactNode,
  ) =>
  (row: CatalogueRow) => (row.kind === 'folder' ? folder(row) : of(row.entry));

const nothing = () => null;

function Name({ row, small }: { row: CatalogueRow; small?: boolean }) {
  const indent = { '--depth': row.depth } as CSSProperties;
  if (row.kind === 'folder') {
    const Chevron = row.open ? IconChevronDown : IconChevronRight;
    return (
      <span className={classes.folder} style={indent}>
        <Chevron size={13} stroke={2.2} aria-hidden />
        <IconFolder size={14} stroke={1.6} aria-hidden />
        <Text of={row.path} />
        <small>{plural(row.metrics, 'metric')}</small>
      </span>
    );
  }
  const { metric, series, seriesEstimated } = row.entry;
  return (
    <span className={classes.name} style={indent}>
      <b>
        <Text of={metric.name} empty="no metric name" />
      </b>
      {small === true && (
        <small>
          {typeLabels[metric.type]}
          {metric.unit === '' ? '' : ` · ${isolated(metric.unit, 24)}`} · {seriesEstimated ? 'about ' : ''}
          {plural(series, 'series', 'series')}
        </small>
      )}
    </span>
  );
}

const besideColumns = (names: Names): readonly Column<CatalogueRow>[] => [
  { id: 'name', header: '', width: 'minmax(0, 1fr)', cell: (row) => <Name row={row} small /> },
  {
    id: 'glance',
    header: '',
    width: '64px',
    cell: cell((entry) => <Glance entry={entry} names={names} small />, nothing),
  },
];

const wideColumns = (names: Names): readonly Column<CatalogueRow>[] => [
  {
    id: 'name',
    header: 'Metric',
    width: 'minmax(180px, 1fr)',
    sort: { first: 'ascending' },
    cell: (row) => <Name row={row} />,
  },
  {
    id: 'type',
    header: 'Type',
    width: '104px',
    narrow: null,
    className: classes.quiet,
    cell: cell(({ metric }) => typeLabels[metric.type], nothing),
  },
  {
    id: 'unit',
    header: 'Unit',
    width: '92px',
    narrow: null,
    className: classes.quiet,
    cell: cell(({ metric }) => (metric.unit === '' ? '' : isolated(metric.unit, 24)), nothing),
  },
  {
    id: 'series',
    header: 'Series',
    width: '74px',
    align: 'end',
    className: classes.figure,
    sort: { first: 'descending' },
    cell: cell(
      ({ series, seriesEstimated }) => `${seriesEstimated ? '≈ ' : ''}${formatCount(series)}`,
      ({ series }) => <span className={classes.sum}>{formatCount(series)}</span>,
    ),
  },
  {
    id: 'points',
    header: 'Points',
    width: '74px',
    narrow: null,
    align: 'end',
    className: classes.figure,
    sort: { first: 'descending' },
    cell: cell(({ points }) => formatCount(points), nothing),
  },
  {
    id: 'glance',
    header: 'Over the range, and the last value',
    width: 'minmax(200px, 320px)',
    narrow: '150px',
    cell: cell((entry) => <Glance entry={entry} names={names} />, nothing),
  },
];

/** Sparklines that are asked for at once: the browser has six connections, and pages have other questions. */
const glances = new Queue(2);
/** Milliseconds for which one is good enough. */
const rest = 60_000;
const buckets = 40;

/** All series of a metric together over the range, and the newest figure of that. */
function Glance({ entry, names, small }: { entry: CatalogueMetric; names: Names; small?: boolean }) {
  const { metric } = entry;
  const { question, unit, anywhere, label, across, quantiles } = glanceOf(metric);
  const filters = filtersOf(entry, names);
  const asked = useAnswer(
    ['metric-glance', metricKey(entry), asText(filters)],
    (bounds, signal) =>
      glances.add(signal, () =>
        queryMetric({ metric: metric.name, bounds, filters, ...question, limit: 1, buckets }, signal),
      ),
    true,
    rest,
  );
  const values = asked.data?.lines[0]?.figures[0];
  const last = values?.findLast((value) => value !== undefined);
  const what =
    quantiles[0] === undefined ? `${label}${across === undefined ? '' : `, ${across}`}` : `p${quantiles[0] * 100}`;
  return (
    <span
      className={classes.glance}
      title={`${what} of all series together`}
      data-failed={asked.error !== null || undefined}
    >
      {values !== undefined && <Sparkline values={fromBottom(values, anywhere)} />}
      {small !== true && <b>{last === undefined ? '' : unit.format(last)}</b>}
    </span>
  );
}

/** The values from where their scale begins, which sparklines begin at zero. */
function fromBottom(values: Values, anywhere: boolean): Values {
  const { low } = valueScale(...extentOf([values]), anywhere);
  return values.map((value) => (value === undefined ? undefined : value - low));
}
