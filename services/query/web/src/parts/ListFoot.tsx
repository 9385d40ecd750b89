import { Button } from '@mantine/core';
import { plural } from './number';
import list from './List.module.css';

interface Props {
  count: number;
  what: string;
  hasMore: boolean;
  loadingMore: boolean;
  loadMore: () => void;
}

/** The end of a list: how much is loaded, and a way to load more. */
export function ListFoot({ count, what, hasMore, loadingMore, loadMore }: Props) {
  return (
    <div className={list.foot}>
      <span>{hasMore ? `${plural(count, what)} loaded` : `${plural(count, what)}, all there are`}</span>
      {hasMore && (
        <Button size="compact-xs" variant="default" loading={loadingMore} onClick={loadMore}>
          Load more
        </Button>
      )}
    </div>
  );
}
