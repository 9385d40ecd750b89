import { Skeleton } from '@mantine/core';
import {
  IconChevronDown,
  IconChevronRight,
  IconListTree,
  IconLogs,
  IconSortAscending,
  IconSortDescending,
} from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Fragment } from 'react';
import { listOperations, listServices } from '../../api/endpoints';
import type { RED, Service as ServiceModel } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { Failure } from '../../parts/Failure';
import { IncompleteNote } from '../../parts/IncompleteNote';
import { Nothing } from '../../parts/Nothing';
import { formatCount, formatPercent, formatRate } from '../../parts/number';
import { Page } from '../../parts/Page';
import { Service } from '../../parts/Service';
import { without } from '../../route/search';
import { formatDuration } from '../../time/duration';
import classes from './ServicesPage.module.css';
import { nextOrder, orderFromText, orderToText, sortServices, type Column } from './sort';

const route = getRouteApi('/services');

const headings: readonly { column: Column; label: string }[] = [
  { column: 'name', label: 'Service' },
  { column: 'rate', label: 'Requests' },
  { column: 'errors', label: 'Errors' },
  { column: 'p50', label: 'p50' },
  { column: 'p95', label: 'p95' },
  { column: 'p99', label: 'p99' },
  { column: 'spans', label: 'Spans' },
];

export function ServicesPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { answer, error, retry } = useAnswer(['service-list'], listServices);
  const order = orderFromText(search.sort);
  return (
    <Page title="Services" answer={answer}>
      {error !== null ? (
        <Failure error={error} retry={retry} />
      ) : answer === undefined ? (
        <div className={classes.skeleton} role="status" aria-label="Loading">
          {Array.from({ length: 12 }, (_, i) => (
            <Skeleton key={i} height={12} width={`${95 - ((i * 31) % 30)}%`} />
          ))}
        </div>
      ) : answer.data.length === 0 ? (
        <Nothing what="services" clearFilters={undefined} />
      ) : (
        <>
          <IncompleteNote answer={answer} />
          <div className={classes.scroller}>
            <table className={classes.table}>
              <thead>
                <tr>
                  {headings.map(({ column, label }) => (
                    <th
                      key={column}
                      aria-sort={order.by === column ? (order.descending ? 'descending' : 'ascending') : 'none'}
                    >
                      <button
                        type="button"
                        onClick={() =>
                          void navigate({
                            search: (before) => ({ ...before, sort: orderToText(nextOrder(order, column)) }),
                            replace: true,
                          })
                        }
                      >
                        {label}
                        {order.by === column &&
                          (order.descending ? <IconSortDescending size={13} /> : <IconSortAscending size={13} />)}
                      </button>
                    </th>
                  ))}
                  <th aria-label="Links" />
                </tr>
              </thead>
              <tbody>
                {sortServices(answer.data, order).map((service) => {
                  const isOpen = search.service === service.name;
                  return (
                    <Fragment key={`${service.namespace}/${service.name}`}>
                      <ServiceRow
                        service={service}
                        isOpen={isOpen}
                        toggle={() =>
                          void navigate({
                            search: (before) =>
                              isOpen ? without(before, 'service') : { ...before, service: service.name },
                            replace: true,
                          })
                        }
                      />
                      {isOpen && <Operations service={service.name} />}
                    </Fragment>
                  );
                })}
              </tbody>
            </table>
          </div>
        </>
      )}
    </Page>
  );
}

function ServiceRow({ service, isOpen, toggle }: { service: ServiceModel; isOpen: boolean; toggle: () => void }) {
  const Chevron = isOpen ? IconChevronDown : IconChevronRight;
  return (
    <tr data-open={isOpen || undefined} onClick={toggle}>
      <td>
        <span className={classes.name}>
          <button
            type="button"
            aria-expanded={isOpen}
            aria-label={`Operations of ${service.name}`}
            onClick={(event) => {
              event.stopPropagation();
              toggle();
            }}
          >
            <Chevron size={13} stroke={2.2} />
          </button>
          <Service name={service.name} />
          {service.namespace !== '' && <small>{service.namespace}</small>}
          {service.basis === 'all' && (
            <small title="It has no server or consumer spans: the figures are of all its spans">all spans</small>
          )}
        </span>
      </td>
      <Figures red={service.red} />
      <td>{formatCount(service.spans)}</td>
      <td>
        <span className={classes.links}>
          <Link to="/traces" search={{ service: service.name }} onClick={(event) => event.stopPropagation()}>
            <IconListTree size={14} aria-hidden /> Traces
          </Link>
          <Link to="/logs" search={{ service: service.name }} onClick={(event) => event.stopPropagation()}>
            <IconLogs size={14} aria-hidden /> Logs
          </Link>
        </span>
      </td>
    </tr>
  );
}

function Figures({ red }: { red: RED }) {
  return (
    <>
      <td>{formatRate(red.rate)}</td>
      <td>
        <span
          className={classes.errors}
          data-level={red.errorRate > 0.05 ? 'high' : red.errorRate > 0 ? 'some' : 'none'}
        >
          {formatPercent(red.errorRate)}
        </span>
      </td>
      <td>{formatDuration(red.p50)}</td>
      <td>{formatDuration(red.p95)}</td>
      <td>{formatDuration(red.p99)}</td>
    </>
  );
}

function Operations({ service }: { service: string }) {
  const { answer, error } = useAnswer(['operations-of', service], (bounds, signal) =>
    listOperations(service, bounds, signal),
  );
  if (error !== null) {
    return (
      <tr>
        <td colSpan={8}>
          <Failure error={error} />
        </td>
      </tr>
    );
  }
  return answer?.data.map((operation) => (
    <tr key={`${operation.kind} ${operation.name}`} className={classes.operation}>
      <td>
        <span className={classes.operationName}>
          <Link to="/traces" search={{ service, operation: operation.name }}>
            {operation.name}
          </Link>
          <small>{operation.kind}</small>
        </span>
      </td>
      <Figures red={operation.red} />
      <td>{formatCount(operation.red.requests)}</td>
      <td />
    </tr>
  ));
}
