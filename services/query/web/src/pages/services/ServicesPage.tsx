import { Select, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { listServiceFigures } from '../../api/endpoints';
import type { Completeness, ServiceList } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { orderFromText, orderToText, sortItems, type Order } from '../../parts/columns';
import { List } from '../../parts/List';
import { Lines, Loading } from '../../parts/Loading';
import { Nothing } from '../../parts/Nothing';
import { plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { usePhone } from '../../parts/phone';
import { compact } from '../../route/search';
import { formatDuration } from '../../time/duration';
import { defaultOrder, phoneColumns, serviceColumns } from './columns';
import { ServiceChooser } from './ServiceChooser';
import { findServices, keyOf, type ServicesSearch } from './services';
import classes from './ServicesPage.module.css';

const route = getRouteApi('/services');

/** Of a sparkline: three pixels each. */
const buckets = 40;

export function ServicesPage() {
  const search = route.useSearch();
  const change = useChange();
  const { namespace } = search;
  const own = search.own !== undefined;
  const asked = useAnswer(['service-figures', namespace ?? '', String(own)], (bounds, signal) =>
    listServiceFigures({ namespace, own }, buckets, bounds, signal),
  );
  const clear = () => change({ namespace: undefined, own: '1' });
  return (
    <Page title="Services" answer={asked.answer}>
      <Bar list={asked.data} completeness={asked.answer?.completeness} />
      <Outcome
        of={asked}
        loading={
          <Loading gap={26}>
            <Lines count={12} height={14} widest={95} by={30} />
          </Loading>
        }
        nothing={<Nothing what="services" clearFilters={namespace === undefined && own ? undefined : clear} />}
        isEmpty={(list) => list.services.length === 0}
      >
        {(list) => <ServiceTable list={list} at={asked.at} />}
      </Outcome>
    </Page>
  );
}

function useChange() {
  const navigate = route.useNavigate();
  return (part: { [K in keyof ServicesSearch]: ServicesSearch[K] | undefined }) =>
    void navigate({ search: (before) => compact({ ...before, ...part }), replace: true });
}

/** What to show of the services, and what the figures are over. */
function Bar({ list, completeness }: { list: ServiceList | undefined; completeness: Completeness | undefined }) {
  const search = route.useSearch();
  const change = useChange();
  const phone = usePhone();
  const found = list === undefined ? undefined : findServices(list.services, search.find ?? '').length;
  return (
    <div className={classes.bar} role="search" aria-label="Find services">
      <TextInput
        className={classes.find}
        size="xs"
        aria-label="Find services"
        placeholder="Find by name or namespace"
        leftSection={<IconSearch size={13} />}
        value={search.find ?? ''}
        onChange={(event) => change({ find: event.currentTarget.value })}
      />
      <ServiceChooser choice={search} onChange={change} />
      {phone && (
        <Select
          size="xs"
          w={150}
          aria-label="Sort by"
          data={sortings.map(({ value, label }) => ({ value, label }))}
          value={search.sort ?? defaultOrder}
          onChange={(sort) => change({ sort: sort ?? undefined })}
        />
      )}
      {list !== undefined && found !== undefined && completeness !== undefined && (
        <p className={classes.summary}>
          {found === list.services.length ? '' : `${found} of `}
          {plural(list.services.length, 'service')} · {over(list)}
        </p>
      )}
    </div>
  );
}

/** On a phone, where there are no heads of columns. */
const sortings = [
  { value: defaultOrder, label: 'Impact' },
  { value: '-rate', label: 'Rate' },
  { value: '-errors', label: 'Errors' },
  { value: '-p95', label: 'p95' },
  { value: 'name', label: 'Name' },
] as const;

/** What the figures are over: rates are over the time that has data. */
function over({ covered, coveredBefore, timeline }: ServiceList): string {
  const rates = `rates over ${formatDuration(Math.round(covered.seconds) * 1e9)}`;
  const changes = coveredBefore === undefined || coveredBefore.seconds === 0 ? ', nothing before to compare with' : '';
  return rates + changes + (timeline === undefined ? ', too many for charts' : '');
}

function ServiceTable({ list, at }: { list: ServiceList; at: number }) {
  const search = route.useSearch();
  const change = useChange();
  const phone = usePhone();
  // Ages are as of the answer: if they went on by themselves it would look newer than it is.
  const columns = useMemo(() => serviceColumns(list, at), [list, at]);
  const order = useMemo(() => orderFromText(columns, search.sort ?? defaultOrder), [columns, search.sort]);
  const found = useMemo(() => findServices(list.services, search.find ?? ''), [list, search.find]);
  const cards = useMemo(() => phoneColumns(list), [list]);
  const sorted = useMemo(() => sortItems(found, columns, order), [found, columns, order]);
  if (found.length === 0) return <p className={classes.none}>No service has this in its name or namespace.</p>;
  const shared = { label: 'Services', itemKey: keyOf, gap: 14, className: classes.table };
  if (phone) return <List {...shared} columns={cards} items={sorted} rowHeight={62} />;
  const set = (next: Order) => change({ sort: orderToText(next) });
  return <List {...shared} columns={columns} items={found} rowHeight={44} order={{ is: order, set }} />;
}
