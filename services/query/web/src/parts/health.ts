import type { RED } from '../api/model';

export type Health = 'good' | 'some' | 'high';

/** How bad it is that requests fail: less than one of two hundred is noise, one of twenty is trouble. */
export function healthOf({ errorRate }: Pick<RED, 'errorRate'>): Health {
  return errorRate >= 0.05 ? 'high' : errorRate >= 0.005 ? 'some' : 'good';
}
