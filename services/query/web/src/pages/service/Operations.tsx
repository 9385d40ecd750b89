import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { listOperations, type ServiceName } from '../../api/endpoints';
import type { Operation } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { orderFromText, orderToText, type Column } from '../../parts/columns';
import { List } from '../../parts/List';
import { tracesOf } from '../../parts/leads';
import { Lines, Loading } from '../../parts/Loading';
import { formatPercent, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { formatDuration } from '../../time/duration';
import { allQuantiles, figureColumns } from './figureColumns';
import { None, Section } from './Section';
import classes from './ServicePage.module.css';

interface Props {
  service: ServiceName;
  sort: string | undefined;
  onSort: (sort: string) => void;
}

const rowHeight = 34;
/** As many as are seen at once; of more the list scrolls. */
const mostRows = 12;

/** What the service does, each with its figures and a way to its slowest traces. */
export function Operations({ service, sort, onSort }: Props) {
  const asked = useAnswer(['operations-of', service.name, service.namespace ?? ''], (bounds, signal) =>
    listOperations(service, bounds, signal),
  );
  const found = asked.data;
  return (
    <Section title="Operations" note={found === undefined ? undefined : plural(found.length, 'operation')} wide>
      <Outcome
        of={asked}
        loading={
          <Loading gap={20}>
            <Lines count={6} height={12} widest={90} by={30} />
          </Loading>
        }
        nothing={<None>It did nothing in this time range.</None>}
      >
        {(operations) => <Table operations={operations} service={service} sort={sort} onSort={onSort} />}
      </Outcome>
    </Section>
  );
}

function Table({ operations, service, sort, onSort }: Props & { operations: readonly Operation[] }) {
  const columns = useMemo(() => columnsOf(operations, service), [operations, service]);
  const order = useMemo(() => orderFromText(columns, sort ?? '-time'), [columns, sort]);
  const rows = Math.min(operations.length, mostRows);
  return (
    <div className={classes.list} style={{ height: rows * rowHeight + 36 }}>
      <List
        label="Operations"
        columns={columns}
        items={operations}
        itemKey={({ kind, name }) => JSON.stringify([kind, name])}
        rowHeight={rowHeight}
        gap={14}
        className={classes.rows}
        order={{ is: order, set: (next) => onSort(orderToText(next)) }}
      />
    </div>
  );
}

function columnsOf(operations: readonly Operation[], service: ServiceName): readonly Column<Operation>[] {
  const all = operations.reduce((sum, { totalTime }) => sum + totalTime, 0);
  return [
    {
      id: 'name',
      header: 'Operation',
      width: 'minmax(150px, 1fr)',
      className: classes.cell,
      sort: { compare: (a, b) => a.name.localeCompare(b.name) || a.kind.localeCompare(b.kind), first: 'ascending' },
      cell: ({ name, kind }) => (
        <>
          <Link
            to="/traces"
            search={tracesOf({ service: service.name, namespace: service.namespace, operation: name })}
            title={name}
          >
            <bdi>{name}</bdi>
          </Link>
          <small>{kind}</small>
        </>
      ),
    },
    ...figureColumns<Operation>(allQuantiles),
    {
      id: 'time',
      header: 'Share of time',
      width: '118px',
      narrow: null,
      sort: { compare: (a, b) => a.totalTime - b.totalTime, first: 'descending' },
      cell: ({ totalTime }) => {
        const part = all > 0 ? totalTime / all : 0;
        return (
          <span className={classes.part} title={`All its requests together took ${formatDuration(totalTime)}`}>
            <span className={classes.bar} aria-hidden>
              <i style={{ width: `${part * 100}%` }} />
            </span>
            <span>{formatPercent(part)}</span>
          </span>
        );
      },
    },
    {
      id: 'slowest',
      header: '',
      width: '96px',
      align: 'end',
      cell: ({ name }) => (
        <Link
          to="/traces"
          search={tracesOf({ service: service.name, namespace: service.namespace, operation: name, slowest: true })}
          aria-label={`Slowest traces of ${name}`}
        >
          slowest traces
        </Link>
      ),
    },
  ];
}
