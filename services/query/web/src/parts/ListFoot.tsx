import { Button } from '@mantine/core';
import { plural } from './number';
import list from './List.module.css';

interface Props {
  count: number;
  what: string;
  hasMore: boolean;
  cut: boolean;
  /** How many there are in all, where that is known. */
  total?: string | undefined;
  loading: boolean;
  error: Error | undefined;
  retry: () => void;
}

/** The end of a list: how much is loaded, and whether more comes. */
export function ListFoot({ count, what, hasMore, cut, total, loading, error, retry }: Props) {
  return (
    <div className={list.foot}>
      <span>
        {plural(count, what)}
        {hasMore || cut ? ` loaded${total === undefined ? '' : ` of ${total}`}` : ', all there are'}
      </span>
      {error !== undefined ? (
        <span role="alert">
          More could not be had: {error.message}{' '}
          <Button size="compact-xs" variant="default" onClick={retry}>
            Try again
          </Button>
        </span>
      ) : (
        loading && <span>loading more…</span>
      )}
    </div>
  );
}
