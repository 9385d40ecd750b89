import { Link } from '@tanstack/react-router';
import { listDependencies, type ServiceName } from '../../api/endpoints';
import type { Dependency } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import type { Column } from '../../parts/columns';
import { Rows } from '../../parts/List';
import { Lines, Loading } from '../../parts/Loading';
import { Outcome } from '../../parts/Outcome';
import { Service } from '../../parts/Service';
import { ServiceLink } from '../../parts/ServiceLink';
import { lineColumns } from './figureColumns';
import { None, Section } from './Section';
import classes from './ServicePage.module.css';

/** Who calls the service, and what it calls, with the figures of these calls. */
export function Dependencies({ service }: { service: ServiceName }) {
  const asked = useAnswer(['dependencies', service.name, service.namespace ?? ''], (bounds, signal) =>
    listDependencies(service, bounds, signal),
  );
  const sides = [
    { title: 'Called by', list: asked.data?.callers, nothing: 'Nobody who sends telemetry called it in this range.' },
    { title: 'Calls', list: asked.data?.calls, nothing: 'It called nothing that is known of in this range.' },
  ] as const;
  return sides.map(({ title, list, nothing }) => (
    <Section
      key={title}
      title={title}
      links={
        <Link to="/map" search={{ find: service.name }}>
          Map
        </Link>
      }
    >
      <Outcome
        of={{ ...asked, data: list }}
        loading={
          <Loading gap={18}>
            <Lines count={4} height={10} widest={90} by={30} />
          </Loading>
        }
        nothing={<None>{nothing}</None>}
      >
        {(found) => (
          <div className={classes.scrolls}>
            <Rows
              label={title}
              columns={columns}
              items={found}
              itemKey={({ node }) => node.id}
              rowHeight={32}
              gap={12}
              className={classes.rows}
            />
          </div>
        )}
      </Outcome>
    </Section>
  ));
}

const columns: readonly Column<Dependency>[] = [
  {
    id: 'node',
    header: '',
    width: 'minmax(110px, 1fr)',
    className: classes.cell,
    cell: ({ node }) =>
      node.type === 'service' || node.type === 'browser' ? (
        <ServiceLink name={node.name} namespace={node.namespace === '' ? undefined : node.namespace}>
          <Service name={node.name} />
        </ServiceLink>
      ) : (
        <>
          <Link to="/map" search={{ node: node.id }}>
            <bdi>{node.name === '' ? node.system : node.name}</bdi>
          </Link>
          <small>{node.system === '' ? node.type : node.system}</small>
        </>
      ),
  },
  ...lineColumns<Dependency>(),
];
