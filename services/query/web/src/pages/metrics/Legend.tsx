import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { orderFromText, orderToText, type Column, type Order } from '../../parts/columns';
import { List } from '../../parts/List';
import { plural } from '../../parts/number';
import { hint } from '../../parts/shown';
import { Text } from '../../parts/Text';
import type { Unit } from '../../parts/unit';
import { compact } from '../../route/search';
import classes from './Legend.module.css';
import type { Line, Stats } from './lines';

const route = getRouteApi('/explore/metrics');

interface Props {
  lines: readonly Line[];
  /** The key of the line that is shown alone. */
  alone: string | undefined;
  unit: Unit;
  order: string | undefined;
  onHover: (key: string | undefined) => void;
}

const rowHeight = 28;
const most = 12;

/** What the lines come to, as a table. A click shows one of them alone, another all again. */
export function Legend({ lines, alone, unit, order, onHover }: Props) {
  const navigate = route.useNavigate();
  const columns = useMemo(() => columnsOf(unit), [unit]);
  const is = order === undefined ? usual : orderFromText(columns, order);
  return (
    <div className={classes.legend} style={{ height: Math.min(lines.length, most) * rowHeight + 36 }}>
      <List
        label="Series"
        columns={columns}
        items={lines}
        itemKey={({ key }) => key}
        rowHeight={rowHeight}
        gap={16}
        className={classes.rows}
        order={{
          is,
          set: (next) =>
            void navigate({
              search: (before) =>
                compact({
                  ...before,
                  legend: orderToText(next) === orderToText(usual) ? undefined : orderToText(next),
                }),
              replace: true,
            }),
        }}
        link={({ key, label }, line) => (
          <Link
            to="/explore/metrics"
            search={(before) => compact({ ...before, alone: key === alone ? undefined : key })}
            title={hint(`${label}: ${key === alone ? 'show all' : 'show it alone'}`)}
            aria-current={key === alone ? 'true' : undefined}
            data-aside={(alone !== undefined && key !== alone) || undefined}
            onMouseEnter={() => onHover(key)}
            onMouseLeave={() => onHover(undefined)}
            {...line}
          />
        )}
      />
    </div>
  );
}

/** As the server tells them: the highest mean first. */
const usual: Order = { by: 'avg', descending: true };

function columnsOf(unit: Unit): readonly Column<Line>[] {
  const figure = (id: keyof Stats, header: string, narrow?: null): Column<Line> => ({
    id,
    header,
    width: 'minmax(72px, 116px)',
    narrow: narrow === undefined ? 'minmax(60px, 116px)' : narrow,
    align: 'end',
    className: classes.figure,
    sort: { compare: (a, b) => (a.stats?.[id] ?? -Infinity) - (b.stats?.[id] ?? -Infinity), first: 'descending' },
    cell: ({ stats }) => (stats === undefined ? '–' : unit.format(stats[id])),
  });
  return [
    {
      id: 'name',
      header: 'Series',
      width: 'minmax(120px, 1fr)',
      narrow: 'minmax(80px, 1fr)',
      className: classes.name,
      sort: { compare: (a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0), first: 'ascending' },
      cell: ({ label, colour, series }) => (
        <>
          <i style={{ background: colour }} aria-hidden />
          <span>
            <Text of={label} />
          </span>
          {series > 1 && <small>{plural(series, 'series', 'series')}</small>}
        </>
      ),
    },
    figure('min', 'Min', null),
    figure('avg', 'Avg'),
    figure('max', 'Max'),
    figure('last', 'Last'),
  ];
}
