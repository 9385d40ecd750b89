import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { getFigures, getTraceExemplars } from '../../api/endpoints';
import type { Answer, Exemplar, Figures } from '../../api/model';
import { sentBy } from '../../parts/leads';
import { Lines, Loading } from '../../parts/Loading';
import { formatCount, formatRate } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { ServiceLink } from '../../parts/ServiceLink';
import { Text } from '../../parts/Text';
import { TimeChart } from '../../parts/TimeChart';
import { unitOf } from '../../parts/unit';
import { valueText } from '../../parts/value';
import { formatDuration } from '../../time/duration';
import { formatClock, instantFromMillis, instantToMillis } from '../../time/instant';
import type { Bounds } from '../../time/range';
import { durationLayers, ofService, rateLayers, redMeasures, requestsOf } from '../service/service';
import classes from './SpanMetrics.module.css';
import type { Node } from './tree';

/** Milliseconds before a span and after it that are told. */
const around = 5 * 60_000;
const stepSeconds = 15;
/** Metrics that are told. */
const most = 50;

/** What the span's service did and measured in the minutes around it, and which observations metrics kept of it. */
export function SpanMetrics({ node }: { node: Node }) {
  const { span } = node;
  const bounds = useMemo((): Bounds => {
    const start = Math.floor(instantToMillis(span.start) / 1000) * 1000;
    return {
      from: instantFromMillis(start - around),
      to: instantFromMillis(start + Math.ceil(span.duration / 1e6) + around),
    };
  }, [span]);
  const namespace = namespaceOf(node);
  const service = { name: span.service, namespace };
  const range = { from: iso(bounds.from), to: iso(bounds.to) };
  const red = useAsked(['span-red', span.id], (signal) =>
    getFigures(
      { bounds, signal: 'traces', filters: requestsOf(service, 'entry'), measures: redMeasures, stepSeconds },
      signal,
    ),
  );
  const metrics = useAsked(['span-metrics', span.id], (signal) =>
    getFigures(
      {
        ...{ bounds, signal: 'metrics' as const, filters: ofService(service), limit: most },
        ...{ measures: [{ measure: 'count' as const }], groupBy: ['name', 'unit'] },
      },
      signal,
    ),
  );
  const exemplars = useAsked(['trace-exemplars', span.traceId], (signal) => getTraceExemplars(span.traceId, signal));
  const own = exemplars.data?.filter((exemplar) => exemplar.spanId === span.spanId);
  return (
    <div className={classes.metrics}>
      <p className={classes.note}>
        Requests to{' '}
        <ServiceLink name={span.service} namespace={namespace}>
          <Text of={span.service} most={60} />
        </ServiceLink>
        , {formatClock(bounds.from, 0)} to {formatClock(bounds.to, 0)}; the line is this span.
      </p>
      <Outcome of={red} loading={waiting} nothing={null} isEmpty={() => false}>
        {(figures) => <Red figures={figures} bounds={bounds} node={node} answer={red.answer} />}
      </Outcome>
      <h3>What it measured then</h3>
      <Outcome
        of={{ ...metrics, data: metrics.data?.groups }}
        loading={waiting}
        nothing={<p className={classes.note}>It sent no metrics in these minutes.</p>}
      >
        {(groups) => (
          <ul>
            {groups.map(({ values: [name, unit], items }) => {
              const text = name === undefined ? '' : valueText(name);
              return (
                <li key={JSON.stringify([text, unit === undefined ? '' : valueText(unit)])}>
                  <Link
                    to="/explore/metrics"
                    search={{ ...sentBy({ service: span.service, namespace }), name: text, ...range }}
                  >
                    <Text of={text} most={120} />
                  </Link>
                  <span>
                    {formatCount(items)} {items === 1 ? 'point' : 'points'}
                  </span>
                </li>
              );
            })}
          </ul>
        )}
      </Outcome>
      {metrics.data?.other !== undefined && (
        <p className={classes.note}>These are the {most} with most points; it has more.</p>
      )}
      <h3>Observations of this span that metrics kept</h3>
      <Outcome of={{ ...exemplars, data: own }} loading={waiting} nothing={<p className={classes.note}>None.</p>}>
        {(found) => (
          <ul>
            {found.map((exemplar, i) => (
              <ExemplarLine key={i} of={exemplar} range={range} />
            ))}
          </ul>
        )}
      </Outcome>
    </div>
  );
}

const waiting = (
  <Loading gap={10}>
    <Lines count={3} height={10} widest={90} by={30} />
  </Loading>
);

function Red(props: { figures: Figures; bounds: Bounds; node: Node; answer: Answer<unknown> | undefined }) {
  const { figures, bounds, node, answer } = props;
  const { timeline } = figures;
  if (timeline === undefined || figures.total.items === 0) {
    return <p className={classes.note}>No other service called it in these minutes.</p>;
  }
  const marks = [{ at: node.span.start, label: 'this span' }];
  return (
    <>
      <TimeChart
        label={`Requests a second to the service around the span: ${figures.total.items} in all`}
        {...{ timeline, bounds, marks, answer }}
        height={72}
        bars={rateLayers(figures, timeline)}
        format={formatRate}
      />
      <TimeChart
        label="How long requests to the service took around the span"
        {...{ timeline, bounds, marks, answer }}
        height={72}
        lines={durationLayers(figures)}
        format={formatDuration}
      />
    </>
  );
}

function ExemplarLine({ of, range }: { of: Exemplar; range: { from: string; to: string } }) {
  return (
    <li>
      <Link to="/explore/metrics" search={{ name: of.metric.name, ...range }}>
        <Text of={of.metric.name} most={120} />
      </Link>
      <span title={formatClock(of.time, 3)}>
        {of.value === undefined ? 'no value' : unitOf(of.metric.unit).format(of.value)}
      </span>
    </li>
  );
}

const iso = (instant: bigint): string => new Date(instantToMillis(instant)).toISOString();

function namespaceOf({ span }: Node): string | undefined {
  const value = span.resource.attributes.find(({ key }) => key === 'service.namespace')?.value;
  return value?.type === 'string' && value.value !== '' ? value.value : undefined;
}

/** One answer that is about the past, and does not change. */
function useAsked<T>(queryKey: readonly string[], ask: (signal: AbortSignal) => Promise<Answer<T>>) {
  const query = useQuery({
    queryKey,
    queryFn: ({ signal }) => ask(signal),
    staleTime: 60_000,
    gcTime: 60_000,
  });
  return {
    data: query.data?.data,
    answer: query.data,
    error: query.error,
    retry: () => void query.refetch(),
  };
}
