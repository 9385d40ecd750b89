import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { searchTraces, type Filter, type SearchOrder } from '../../api/endpoints';
import type { TraceSummary } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import type { Column } from '../../parts/columns';
import { Rows } from '../../parts/List';
import { Lines, Loading } from '../../parts/Loading';
import { plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { target } from '../../parts/target';
import { formatDuration } from '../../time/duration';
import { formatAge, formatInstant } from '../../time/instant';
import classes from './ServicePage.module.css';
import { None } from './Section';

interface Props {
  /** Of the list, and of the question. */
  label: string;
  filters: readonly Filter[];
  order?: SearchOrder;
  most: number;
  nothing: string;
}

/** The first traces of a list as the server sorts it: a few lines, each a way to its trace. */
export function TraceRows({ label, filters, order, most, nothing }: Props) {
  const asked = useAnswer(['first-traces', label, JSON.stringify([filters, order])], (bounds, signal) =>
    searchTraces({ bounds, filters, limit: most, cursor: undefined, order }, signal),
  );
  const columns = useMemo(() => columnsAt(asked.at), [asked.at]);
  return (
    <Outcome
      of={asked}
      loading={
        <Loading gap={18}>
          <Lines count={most} height={10} widest={90} by={30} />
        </Loading>
      }
      nothing={<None>{nothing}</None>}
    >
      {(traces) => (
        <Rows
          label={label}
          columns={columns}
          items={traces}
          itemKey={({ traceId }) => traceId}
          rowHeight={32}
          gap={12}
          className={classes.rows}
        />
      )}
    </Outcome>
  );
}

const columnsAt = (now: number): readonly Column<TraceSummary>[] => [
  {
    id: 'duration',
    header: '',
    width: '72px',
    align: 'end',
    className: 'numeric',
    cell: ({ duration }) => formatDuration(duration),
  },
  {
    id: 'root',
    header: '',
    width: 'minmax(80px, 1fr)',
    className: classes.cell,
    cell: ({ traceId, root }) => (
      <>
        <Link to="/traces/$traceId" params={{ traceId }}>
          <bdi>{`${root.name} ${target(root.name, root.attributes)}`.trim()}</bdi>
        </Link>
        <small>
          <bdi>{root.service}</bdi>
        </small>
      </>
    ),
  },
  {
    id: 'spans',
    header: '',
    width: '104px',
    align: 'end',
    className: classes.quiet,
    cell: ({ spans, errors }) => (
      <span className={errors > 0 ? classes.failing : undefined} data-health={errors > 0 ? 'high' : 'good'}>
        {errors > 0 ? `${errors} of ${plural(spans, 'span')}` : plural(spans, 'span')}
      </span>
    ),
  },
  {
    id: 'start',
    header: '',
    width: '70px',
    align: 'end',
    className: classes.quiet,
    cell: ({ start }) => <span title={formatInstant(start)}>{formatAge(start, now)}</span>,
  },
];
