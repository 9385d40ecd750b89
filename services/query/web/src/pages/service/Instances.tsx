import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { ServiceName } from '../../api/endpoints';
import type { Instance, InstanceList, ServiceVersion } from '../../api/model';
import type { Asked } from '../../parts/answer';
import type { Column } from '../../parts/columns';
import { tracesOf } from '../../parts/leads';
import { Rows } from '../../parts/List';
import { Lines, Loading } from '../../parts/Loading';
import { plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { formatAge, formatInstant } from '../../time/instant';
import { lineColumns } from './figureColumns';
import { None, Section } from './Section';
import { nameOf } from './service';
import classes from './ServicePage.module.css';

interface Props {
  service: ServiceName;
  asked: Asked<InstanceList> & { at: number };
}

const loading = (
  <Loading gap={18}>
    <Lines count={4} height={10} widest={90} by={30} />
  </Loading>
);

/** Which versions of the service there were, and the processes in which it ran. */
export function Instances({ service, asked }: Props) {
  const now = asked.at;
  const versions = useMemo(() => versionColumns(service, now), [service, now]);
  const instances = useMemo(() => instanceColumns(service, now), [service, now]);
  const shared = { rowHeight: 32, gap: 12, className: classes.rows };
  const { data } = asked;
  return (
    <>
      <Section
        title="Versions"
        note={data === undefined ? undefined : told(data.versions.length, data.versionsTotal, 'version')}
      >
        <Outcome of={{ ...asked, data: data?.versions }} loading={loading} nothing={<None>There are no spans.</None>}>
          {(found) => (
            <div className={classes.scrolls}>
              <Rows
                {...shared}
                label="Versions"
                columns={versions}
                items={found}
                itemKey={({ namespace, version }) => JSON.stringify([namespace, version])}
              />
            </div>
          )}
        </Outcome>
      </Section>
      <Section
        title="Instances"
        note={data === undefined ? undefined : told(data.instances.length, data.instancesTotal, 'instance')}
      >
        <Outcome of={{ ...asked, data: data?.instances }} loading={loading} nothing={<None>There are no spans.</None>}>
          {(found) => (
            <div className={classes.scrolls} style={{ maxHeight: 330, overflowY: 'auto' }}>
              <Rows
                {...shared}
                label="Instances"
                columns={instances}
                items={found}
                itemKey={(one) => JSON.stringify([one.namespace, one.id, one.version, one.host, one.pod, one.node])}
              />
            </div>
          )}
        </Outcome>
      </Section>
    </>
  );
}

const told = (shown: number, all: number, what: string) =>
  shown < all ? `the first ${shown} of ${plural(all, what)}` : plural(all, what);

const seen = <T extends { lastSeen: bigint; firstSeen: bigint }>(now: number): Column<T> => ({
  id: 'seen',
  header: '',
  width: '76px',
  align: 'end',
  className: classes.quiet,
  cell: ({ firstSeen, lastSeen }) => (
    <span title={`from ${formatInstant(firstSeen, 0)} until ${formatInstant(lastSeen, 0)}, of what is in the range`}>
      {formatAge(lastSeen, now)}
    </span>
  ),
});

const versionColumns = (service: ServiceName, now: number): readonly Column<ServiceVersion>[] => [
  {
    id: 'version',
    header: '',
    width: 'minmax(90px, 1fr)',
    className: classes.cell,
    cell: ({ version, firstSeen }) => (
      <>
        {version === '' ? (
          <span>none is told</span>
        ) : (
          <Link
            to="/traces"
            search={tracesOf({
              service: service.name,
              namespace: service.namespace,
              resource: [['service.version', version]],
            })}
          >
            <bdi>{version}</bdi>
          </Link>
        )}
        <small title={formatInstant(firstSeen, 0)}>since {formatAge(firstSeen, now)}</small>
      </>
    ),
  },
  ...lineColumns<ServiceVersion>(),
  seen(now),
];

const instanceColumns = (service: ServiceName, now: number): readonly Column<Instance>[] => [
  {
    id: 'instance',
    header: '',
    width: 'minmax(120px, 1fr)',
    className: classes.cell,
    cell: (one) => {
      const { id, pod, host, version } = one;
      const resource = [
        ['service.instance.id', id],
        ['k8s.pod.name', pod],
        ['host.name', host],
      ] as const;
      return (
        <>
          {nameOf(one) === '' ? (
            <span>told apart by nothing</span>
          ) : (
            <Link
              to="/traces"
              search={tracesOf({ service: service.name, namespace: service.namespace, resource })}
              title={[id, pod, host, one.node].filter((text) => text !== '').join(' · ')}
            >
              <bdi>{nameOf(one)}</bdi>
            </Link>
          )}
          <small>
            <bdi>{version}</bdi>
          </small>
        </>
      );
    },
  },
  ...lineColumns<Instance>(),
  seen(now),
];
