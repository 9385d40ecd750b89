import { Select, Skeleton } from '@mantine/core';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { getFigures, listInstances, listServiceFigures, type ServiceName } from '../../api/endpoints';
import type { Service as ServiceModel, ServiceList } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { tracesOf } from '../../parts/leads';
import { Lines, Loading } from '../../parts/Loading';
import { Nothing } from '../../parts/Nothing';
import { formatRate } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { Service } from '../../parts/Service';
import { TimeChart } from '../../parts/TimeChart';
import { compact } from '../../route/search';
import { formatDuration } from '../../time/duration';
import { stepFor } from '../../time/steps';
import { Dependencies } from './Dependencies';
import { Head } from './Head';
import { Instances } from './Instances';
import { Logs } from './Logs';
import { Metrics } from './Metrics';
import { Operations } from './Operations';
import { Section } from './Section';
import { durationLayers, newVersions, ofService, rateLayers, redMeasures, requestsOf } from './service';
import classes from './ServicePage.module.css';
import { TraceRows } from './TraceRows';

const route = getRouteApi('/services/$name');

/** All about one service over the time range. */
export function ServicePage() {
  const { name } = route.useParams();
  const { namespace } = route.useSearch();
  const navigate = route.useNavigate();
  const asked = useAnswer(['service', namespace ?? ''], (bounds, signal) =>
    listServiceFigures({ namespace, own: true }, undefined, bounds, signal),
  );
  const rows = asked.data?.services.filter((service) => service.name === name);
  const choose = (next: string | null) =>
    void navigate({ search: (before) => compact({ ...before, namespace: next ?? undefined }) });
  return (
    <Page
      title={name}
      heading={
        <span className={classes.crumbs}>
          <Link to="/services" search={{}}>
            Services
          </Link>
          <span aria-hidden>/</span>
          <Service name={name} />
          {namespace !== undefined && (
            <small>
              <bdi>{namespace}</bdi>
            </small>
          )}
        </span>
      }
      answer={asked.answer}
    >
      <div className={classes.page}>
        <Outcome
          of={{ ...asked, data: rows }}
          loading={
            <Loading gap={26}>
              <Lines count={12} height={14} widest={95} by={30} />
            </Loading>
          }
          nothing={
            <div className={classes.wide}>
              <Nothing
                what="spans of this service"
                clearFilters={namespace === undefined ? undefined : () => choose(null)}
              />
            </div>
          }
        >
          {([row, ...others]) =>
            row === undefined || asked.data === undefined ? null : others.length > 0 ? (
              <Section title="This name is in several namespaces" wide>
                <div className={classes.plot}>
                  <Select
                    size="xs"
                    w={260}
                    label="Namespace"
                    placeholder="Choose one"
                    data={[row, ...others].flatMap((of) => (of.namespace === '' ? [] : [of.namespace]))}
                    onChange={choose}
                  />
                </div>
              </Section>
            ) : (
              <All key={name} service={name} row={row} list={asked.data} at={asked.at} />
            )
          }
        </Outcome>
      </div>
    </Page>
  );
}

function All(props: { service: string; row: ServiceModel; list: ServiceList; at: number }) {
  const { service: name, row, list, at } = props;
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { namespace } = search;
  const service = useMemo((): ServiceName => ({ name, namespace }), [name, namespace]);
  const instances = useAnswer(['instances', name, namespace ?? ''], (bounds, signal) =>
    listInstances(service, bounds, signal),
  );
  const of = { service: name, namespace };
  return (
    <>
      <Head service={service} row={row} list={list} now={at} />
      <Charts service={service} basis={row.basis} versions={instances.data} />
      <Operations
        service={service}
        sort={search.sort}
        onSort={(sort) => void navigate({ search: (before) => ({ ...before, sort }), replace: true })}
      />
      <Section
        title="Slowest traces"
        note="by the longest span of this service"
        links={
          <Link to="/traces" search={tracesOf({ ...of, slowest: true })}>
            All
          </Link>
        }
      >
        <TraceRows
          label="Slowest traces"
          filters={ofService(service)}
          order={{ by: 'duration', order: 'desc' }}
          most={6}
          nothing="There are none in this time range."
        />
      </Section>
      <Section
        title="Failing traces"
        note="in which a span of this service failed, the newest first"
        links={
          <Link to="/traces" search={tracesOf({ ...of, failed: true })}>
            All
          </Link>
        }
      >
        <TraceRows
          label="Failing traces"
          filters={[...ofService(service), { field: 'status', operator: 'eq', value: 'error' }]}
          most={6}
          nothing="Nothing failed in this time range."
        />
      </Section>
      <Dependencies service={service} />
      <Instances service={service} asked={instances} />
      <Logs service={service} />
      <Metrics service={service} />
    </>
  );
}

interface ChartsProps {
  service: ServiceName;
  basis: ServiceModel['basis'];
  versions: Parameters<typeof newVersions>[0] | undefined;
}

/** Requests and their durations over the range, with the versions that came in it. */
function Charts({ service, basis, versions }: ChartsProps) {
  const asked = useAnswer(['red-of', service.name, service.namespace ?? '', basis], (bounds, signal) =>
    getFigures(
      {
        bounds,
        signal: 'traces',
        filters: requestsOf(service, basis),
        measures: redMeasures,
        stepSeconds: stepFor(bounds),
      },
      signal,
    ),
  );
  const { bounds, data } = asked;
  const drawn = useMemo(() => {
    if (data?.timeline === undefined || bounds === undefined) return undefined;
    return {
      timeline: data.timeline,
      bounds,
      marks: versions === undefined ? [] : newVersions(versions, bounds),
      rates: rateLayers(data, data.timeline),
      durations: durationLayers(data),
    };
  }, [data, bounds, versions]);
  const charts = [
    { title: 'Requests over time', bars: drawn?.rates, lines: undefined, format: formatRate },
    { title: 'Durations over time', bars: undefined, lines: drawn?.durations, format: formatDuration },
  ] as const;
  return charts.map(({ title, bars, lines, format }) => (
    <Section key={title} title={title}>
      <Outcome
        of={{ ...asked, data: drawn }}
        loading={<Skeleton height={190} radius={0} />}
        nothing={null}
        isEmpty={() => false}
      >
        {({ timeline, bounds: ends, marks }) => (
          <div className={classes.plot}>
            <TimeChart
              label={title}
              timeline={timeline}
              bounds={ends}
              height={150}
              {...(bars === undefined ? {} : { bars })}
              {...(lines === undefined ? {} : { lines })}
              format={format}
              marks={marks}
              answer={asked.answer}
            />
          </div>
        )}
      </Outcome>
    </Section>
  ));
}
