import { getRouteApi } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import { listOperations, listServices } from '../../api/endpoints';
import type { Service } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { orderFromText, orderToText } from '../../parts/columns';
import { List, Rows } from '../../parts/List';
import { Lines, Loading } from '../../parts/Loading';
import { Nothing } from '../../parts/Nothing';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { without } from '../../route/search';
import { operationColumns, serviceColumns } from './columns';
import classes from './ServicesPage.module.css';

const route = getRouteApi('/services');

/** Between the columns of services, and of the operations below them. */
const gap = 20;

const keyOf = (service: Service) => `${service.namespace}/${service.name}`;

export function ServicesPage() {
  const services = useAnswer(['service-list'], listServices);
  return (
    <Page title="Services" answer={services.answer}>
      <Outcome
        of={services}
        loading={
          <Loading gap={26}>
            <Lines count={12} height={12} widest={95} by={30} />
          </Loading>
        }
        nothing={<Nothing what="services" clearFilters={undefined} />}
      >
        {(found) => <ServiceTable services={found} />}
      </Outcome>
    </Page>
  );
}

function ServiceTable({ services }: { services: readonly Service[] }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const order = useMemo(() => orderFromText(serviceColumns, search.sort), [search.sort]);
  return (
    <List
      label="Services"
      columns={serviceColumns}
      items={services}
      itemKey={keyOf}
      rowHeight={38}
      gap={gap}
      className={classes.table}
      order={{
        is: order,
        set: (next) => void navigate({ search: (before) => ({ ...before, sort: orderToText(next) }), replace: true }),
      }}
      opening={{
        isOpen: ({ name }) => search.service === name,
        toggle: ({ name }) =>
          void navigate({
            search: (before) => (before.service === name ? without(before, 'service') : { ...before, service: name }),
            replace: true,
          }),
        label: ({ name }) => `Operations of ${name}`,
        detail: ({ name }) => <Operations service={name} />,
      }}
    />
  );
}

function Operations({ service }: { service: string }) {
  const operations = useAnswer(['operations-of', service], (bounds, signal) => listOperations(service, bounds, signal));
  const columns = useMemo(() => operationColumns(service), [service]);
  return (
    <Outcome of={operations} loading={null} nothing={null} failure={inRow}>
      {(found) => (
        <Rows
          label={`Operations of ${service}`}
          table
          columns={columns}
          items={found}
          itemKey={({ kind, name }) => `${kind} ${name}`}
          rowHeight={32}
          gap={gap}
          className={classes.operations}
        />
      )}
    </Outcome>
  );
}

/** A failure within a table, which may hold rows alone. */
const inRow = (failure: ReactNode) => (
  <div role="row">
    <div role="cell">{failure}</div>
  </div>
);
