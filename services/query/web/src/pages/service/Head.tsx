import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { ServiceName } from '../../api/endpoints';
import type { Service, ServiceList } from '../../api/model';
import { Change } from '../../parts/Change';
import { healthOf } from '../../parts/health';
import { tracesOf } from '../../parts/leads';
import { formatCount, formatPercent, formatRate } from '../../parts/number';
import { formatDuration } from '../../time/duration';
import { formatAge, formatInstant } from '../../time/instant';
import { Section } from './Section';
import classes from './ServicePage.module.css';

interface Props {
  service: ServiceName;
  row: Service;
  list: ServiceList;
  /** Of the answer, in milliseconds. */
  now: number;
}

/** What the service comes to over the range, each figure with what it was before and a way to what it was made of. */
export function Head({ service, row, list, now }: Props) {
  const { red, before } = row;
  const search = { service: service.name, namespace: service.namespace, called: row.basis !== 'all' };
  const requests = [red.requests, before?.requests ?? 0] as const;
  const change = (key: 'rate' | 'errorRate' | 'p50' | 'p95' | 'p99', text: (n: number) => string) =>
    before === undefined ? null : (
      <Change
        now={red[key]}
        before={before[key]}
        requests={requests}
        was={text(before[key])}
        {...(key === 'rate' ? {} : { more: key === 'errorRate' ? ('failing' as const) : ('slower' as const) })}
      />
    );
  const first = row.ever?.first ?? row.firstSeen;
  return (
    <Section
      title={row.basis === 'all' ? 'All its spans' : 'Requests'}
      note={`${formatCount(red.requests)}, rate over ${formatDuration(Math.round(list.covered.seconds) * 1e9)}`}
      links={
        row.basis === 'all' ? <span title="It has no server or consumer spans">it is called by nobody</span> : undefined
      }
      wide
    >
      <dl className={classes.head}>
        <Figure name="Rate" change={change('rate', formatRate)}>
          <Link to="/traces" search={tracesOf(search)}>
            {formatRate(red.rate)}
          </Link>
        </Figure>
        <Figure name="Errors" change={change('errorRate', formatPercent)} health={healthOf(red)}>
          <Link to="/traces" search={tracesOf({ ...search, failed: true })}>
            {formatPercent(red.errorRate)}
          </Link>
        </Figure>
        {(['p50', 'p95', 'p99'] as const).map((quantile) => (
          <Figure key={quantile} name={quantile} change={change(quantile, formatDuration)}>
            <Link to="/traces" search={tracesOf({ ...search, slowest: true })}>
              {formatDuration(red[quantile])}
            </Link>
          </Figure>
        ))}
        <Figure name="First seen" small>
          <span title={formatInstant(first, 0)}>{formatAge(first, now)}</span>
        </Figure>
        <Figure name="Last seen" small>
          <span title={formatInstant(row.lastSeen, 0)}>{formatAge(row.lastSeen, now)}</span>
        </Figure>
      </dl>
    </Section>
  );
}

function Figure(props: { name: string; change?: ReactNode; health?: string; small?: boolean; children: ReactNode }) {
  const { name, change, health, small = false, children } = props;
  return (
    <div>
      <dt>{name}</dt>
      <dd className={classes.failing} data-health={health} data-small={small || undefined}>
        {children}
        {change}
      </dd>
    </div>
  );
}
