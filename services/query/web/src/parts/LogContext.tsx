import { Button, SegmentedControl } from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { getLogContext } from '../api/endpoints';
import type { Answer, ContextBy, LogContext as Surrounding, LogRecord } from '../api/model';
import { IncompleteNote } from './IncompleteNote';
import { Rows } from './List';
import { contextColumns } from './logColumns';
import classes from './LogContext.module.css';
import { said } from './said';

/** Records to each side at first, and at each further click. */
const step = 10;

/** As many pages as can be read: beyond them the list itself is the better place. */
const mostPages = 60;

const choices: readonly { value: ContextBy; label: string }[] = [
  { value: 'resource', label: 'Same instance' },
  { value: 'service', label: 'Same service' },
  { value: 'trace', label: 'Same trace' },
];

/** What the sender of a record logged before and after it, whatever the query of the page. */
export function LogContext({ record, marks }: { record: LogRecord; marks: RegExp | undefined }) {
  const [by, setBy] = useState<ContextBy>('resource');
  const { id, time } = record;
  const pages = useInfiniteQuery({
    queryKey: ['log-context', id, by],
    queryFn: ({ pageParam, signal }) => getLogContext({ id, time }, by, step, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getPreviousPageParam: (first: Answer<Surrounding>) => first.data.before,
    getNextPageParam: (last: Answer<Surrounding>) => last.data.after,
    staleTime: Infinity,
    gcTime: 60_000,
    structuralSharing: false,
  });
  const loaded = pages.data?.pages;
  const logs = useMemo(() => loaded?.flatMap((page) => page.data.logs), [loaded]);
  const columns = useMemo(() => contextColumns(id, marks), [id, marks]);
  const full = (loaded?.length ?? 0) >= mostPages;
  return (
    <div className={classes.context}>
      <div className={classes.head}>
        <SegmentedControl
          size="xs"
          aria-label="What the records around it have in common with it"
          value={by}
          onChange={(next) => setBy(choices.find(({ value }) => value === next)?.value ?? 'resource')}
          data={choices
            .filter(({ value }) => value !== 'trace' || record.traceId !== '')
            .map((choice) => ({ ...choice }))}
        />
        {logs !== undefined && !full && (
          <Edge
            label={pages.hasPreviousPage ? 'Earlier' : 'Nothing earlier'}
            more={pages.hasPreviousPage}
            busy={pages.isFetchingPreviousPage}
            up
            onMore={() => void pages.fetchPreviousPage()}
          />
        )}
      </div>
      {loaded?.map((page, i) => (
        <IncompleteNote key={i} answer={page} />
      ))}
      {pages.error !== null && (
        <p className={classes.note} role="alert">
          What surrounds it could not be had: {said(pages.error)}{' '}
          <Button size="compact-xs" variant="default" onClick={() => void pages.refetch()}>
            Try again
          </Button>
        </p>
      )}
      {logs === undefined ? (
        pages.error === null && (
          <p className={classes.note} role="status">
            Looking for what surrounds it…
          </p>
        )
      ) : (
        <>
          <Rows
            label="Records around it, oldest first"
            columns={columns}
            items={logs}
            itemKey={(one) => one.id}
            rowHeight={22}
            gap={10}
            className={classes.lines}
          />
          {full ? (
            <p className={classes.note}>These are as many as are shown here; the list has the others.</p>
          ) : (
            <Edge
              label={pages.hasNextPage ? 'Later' : 'Nothing later'}
              more={pages.hasNextPage}
              busy={pages.isFetchingNextPage}
              onMore={() => void pages.fetchNextPage()}
            />
          )}
        </>
      )}
    </div>
  );
}

/** The end of one side: more of it, or that there is none. */
function Edge(props: { label: string; more: boolean; busy: boolean; up?: boolean; onMore: () => void }) {
  const { label, more, busy, up = false, onMore } = props;
  const Arrow = up ? IconArrowUp : IconArrowDown;
  return (
    <Button
      size="compact-xs"
      variant="default"
      disabled={!more}
      loading={busy}
      leftSection={more && <Arrow size={12} />}
      onClick={onMore}
    >
      {label}
    </Button>
  );
}
