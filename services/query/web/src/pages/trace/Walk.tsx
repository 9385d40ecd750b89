import { ActionIcon, Tooltip } from '@mantine/core';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { orderFromText } from '../../parts/columns';
import { useFilters } from '../../parts/query/filters';
import { compact } from '../../route/search';
import { traceColumns } from '../traces/columns';
import { useTraceList } from '../traces/traceList';
import { useAddress } from './address';
import { useShortcut } from '../../parts/Keyboard';
import { walkFrom, type Place } from './walking';
import classes from './Walk.module.css';

const none: readonly string[] = [];

/** To the trace before this one and to the one after it, in the list that it was opened from. */
export function Walk({
  traceId,
  list,
  column = none,
}: {
  traceId: string;
  list: string;
  column?: readonly string[] | undefined;
}) {
  const { address } = useAddress();
  const navigate = useNavigate();
  const filters = useFilters('traces');
  const order = useMemo(() => orderFromText(traceColumns, list), [list]);
  const pages = useTraceList(filters, order, column);
  const { see, hasMore, cut } = pages.more;
  const traces = pages.data;
  const place = useMemo(
    () => (traces === undefined ? undefined : walkFrom(traces, traceId, { hasMore, cut })),
    [traces, traceId, hasMore, cut],
  );
  const at = place?.at;
  // Its neighbours have to be here; those that are far away may have been forgotten.
  useEffect(() => {
    if (at !== undefined) see(Math.max(at - 1, 0), at + 1);
  }, [see, at, traces]);
  // As the list is left, so that Back leads to it and not through all that was walked over.
  const search = compact({
    ...{ list, column: address.column, q: address.q, scope: address.scope, path: address.path },
    tab: address.tab === 'compare' ? undefined : address.tab,
  });
  const go = (to: string | undefined) =>
    to === undefined
      ? undefined
      : () => void navigate({ to: '/traces/$traceId', params: { traceId: to }, search, replace: true });
  useShortcut(']', 'To the next trace of the list', go(place?.after.traceId));
  useShortcut('[', 'To the trace before in the list', go(place?.before.traceId));
  const step = (to: Place | undefined, name: string, key: string, Icon: typeof IconChevronUp) => {
    const label = to?.traceId === undefined ? (to?.why ?? said(pages.error)) : `${name} (${key})`;
    return (
      <Tooltip label={label}>
        {to?.traceId === undefined ? (
          <ActionIcon
            size={24}
            variant="subtle"
            color="gray"
            aria-label={`${name}: ${label}`}
            data-disabled
            aria-disabled
          >
            <Icon size={15} />
          </ActionIcon>
        ) : (
          <ActionIcon
            size={24}
            variant="subtle"
            color="gray"
            aria-label={name}
            renderRoot={(props) => (
              <Link to="/traces/$traceId" params={{ traceId: to.traceId! }} search={search} replace {...props} />
            )}
          >
            <Icon size={15} />
          </ActionIcon>
        )}
      </Tooltip>
    );
  };
  return (
    <span className={classes.walk} role="group" aria-label="The list it was opened from">
      {step(place?.before, 'Previous trace', '[', IconChevronUp)}
      {step(place?.after, 'Next trace', ']', IconChevronDown)}
      <small>{place?.text ?? ''}</small>
    </span>
  );
}

const said = (error: Error | null): string =>
  error === null ? 'The list is being asked for' : 'The list could not be had';
