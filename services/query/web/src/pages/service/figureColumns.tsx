import type { RED } from '../../api/model';
import type { Column } from '../../parts/columns';
import { healthOf } from '../../parts/health';
import { formatHundredths, formatMillis, formatPerSecond } from '../../parts/number';
import { formatDuration } from '../../time/duration';
import classes from './ServicePage.module.css';

type Quantile = 'p50' | 'p95' | 'p99';

/** The figures of requests, a column each; a column has one unit, which its head says. */
export function figureColumns<T extends { red: RED }>(
  quantiles: readonly { of: Quantile; narrow: null | undefined }[],
): readonly Column<T>[] {
  const figure = (
    column: Pick<Column<T>, 'id' | 'header' | 'cell'> & Partial<Column<T>>,
    value: (red: RED) => number,
  ): Column<T> => ({
    width: '72px',
    align: 'end',
    className: 'numeric',
    sort: { compare: (a, b) => value(a.red) - value(b.red), first: 'descending' },
    ...column,
  });
  return [
    figure({ id: 'rate', header: 'Rate, /s', cell: ({ red }) => formatPerSecond(red.rate) }, (red) => red.rate),
    figure(
      {
        id: 'errors',
        header: 'Errors, %',
        cell: ({ red }) => (
          <span className={classes.failing} data-health={healthOf(red)}>
            {formatHundredths(red.errorRate)}
          </span>
        ),
      },
      (red) => red.errorRate,
    ),
    ...quantiles.map(({ of, narrow }) =>
      figure(
        {
          id: of,
          header: `${of}, ms`,
          ...(narrow === null ? { narrow } : {}),
          cell: ({ red }) => <span title={formatDuration(red[of])}>{formatMillis(red[of])}</span>,
        },
        (red) => red[of],
      ),
    ),
  ];
}

export const allQuantiles = [
  { of: 'p50', narrow: null },
  { of: 'p95', narrow: undefined },
  { of: 'p99', narrow: null },
] as const;

const units: ReadonlyMap<string, string> = new Map([
  ['rate', '/s'],
  ['errors', '%'],
  ['p95', 'ms'],
]);

/** The figures of lines that no head stands above: each says its unit. */
export const lineColumns = <T extends { red: RED }>(): readonly Column<T>[] =>
  figureColumns<T>([{ of: 'p95', narrow: undefined }]).map(({ cell, ...column }) => ({
    ...column,
    width: '80px',
    cell: (item: T) => (
      <>
        {cell(item)} {units.get(column.id)}
      </>
    ),
  }));
