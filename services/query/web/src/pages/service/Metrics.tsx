import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { getFigures, type ServiceName } from '../../api/endpoints';
import type { FigureGroup } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import type { Column } from '../../parts/columns';
import { sentBy } from '../../parts/leads';
import { Rows } from '../../parts/List';
import { Lines, Loading } from '../../parts/Loading';
import { formatCount, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { valueText } from '../../parts/value';
import { None, Section } from './Section';
import { ofService } from './service';
import classes from './ServicePage.module.css';

/** As many as are told. */
const most = 100;

/** What the service measures, the metrics with most points first. */
export function Metrics({ service }: { service: ServiceName }) {
  const asked = useAnswer(['metrics-of', service.name, service.namespace ?? ''], (bounds, signal) =>
    getFigures(
      {
        bounds,
        signal: 'metrics',
        filters: ofService(service),
        measures: [{ measure: 'count' }],
        groupBy: ['name', 'type', 'unit'],
        limit: most,
      },
      signal,
    ),
  );
  const { name, namespace } = service;
  const columns = useMemo(() => columnsOf(sentBy({ service: name, namespace })), [name, namespace]);
  const groups = asked.data?.groups;
  const more = asked.data?.other !== undefined;
  return (
    <Section
      title="Metrics"
      note={groups === undefined ? undefined : more ? `the first ${groups.length}` : plural(groups.length, 'metric')}
      links={
        <Link to="/explore/metrics" search={{}}>
          Metrics
        </Link>
      }
    >
      <Outcome
        of={{ ...asked, data: groups }}
        loading={
          <Loading gap={18}>
            <Lines count={4} height={10} widest={90} by={30} />
          </Loading>
        }
        nothing={<None>It sent no metrics in this time range.</None>}
      >
        {(found) => (
          <div className={classes.scrolls} style={{ maxHeight: 210, overflowY: 'auto' }}>
            <Rows
              label="Metrics"
              columns={columns}
              items={found}
              itemKey={(group) => JSON.stringify([0, 1, 2].map((i) => text(group, i)))}
              rowHeight={30}
              gap={12}
              className={classes.rows}
            />
          </div>
        )}
      </Outcome>
    </Section>
  );
}

const text = ({ values }: FigureGroup, i: number): string => {
  const value = values[i];
  return value === undefined ? '' : valueText(value);
};

/** Each leads to its series of this service. */
const columnsOf = (of: { q: string }): readonly Column<FigureGroup>[] => [
  {
    id: 'name',
    header: '',
    width: 'minmax(120px, 1fr)',
    className: classes.cell,
    cell: (group) => (
      <>
        <Link to="/explore/metrics" search={{ ...of, name: text(group, 0) }}>
          <bdi>{text(group, 0)}</bdi>
        </Link>
        <small>{text(group, 1)}</small>
      </>
    ),
  },
  {
    id: 'unit',
    header: '',
    width: '76px',
    className: classes.quiet,
    cell: (group) => <bdi className={classes.clip}>{text(group, 2)}</bdi>,
  },
  {
    id: 'points',
    header: '',
    width: '96px',
    align: 'end',
    className: classes.quiet,
    cell: ({ items }) => `${formatCount(items)} ${items === 1 ? 'point' : 'points'}`,
  },
];
