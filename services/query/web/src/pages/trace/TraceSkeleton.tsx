import { Skeleton } from '@mantine/core';
import { Loading } from '../../parts/Loading';

/** The shape of a summary with a tree of spans below it. */
export function TraceSkeleton() {
  return (
    <Loading gap={14}>
      <Skeleton height={22} width={320} />
      <Skeleton height={14} width={520} mb={24} />
      {Array.from({ length: 12 }, (_, i) => (
        <div key={i} style={{ paddingLeft: `${(i % 5) * 16}px` }}>
          <Skeleton height={12} width={`${70 - ((i * 29) % 50)}%`} />
        </div>
      ))}
    </Loading>
  );
}
