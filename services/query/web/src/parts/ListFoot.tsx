import { Button } from '@mantine/core';
import { plural } from './number';
import list from './List.module.css';

interface Props {
  count: number;
  what: string;
  hasMore: boolean;
  cut: boolean;
  loading: boolean;
  error: Error | undefined;
  retry: () => void;
}

/** The end of a list: how much is loaded, and whether more comes. */
export function ListFoot({ count, what, hasMore, cut, loading, error, retry }: Props) {
  return (
    <div className={list.foot}>
      <span>{hasMore || cut ? `${plural(count, what)} loaded` : `${plural(count, what)}, all there are`}</span>
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
