import { instantToMillis } from './instant';
import type { Bounds } from './range';

/** Lengths of buckets that people can name. From a minute on they are whole minutes, which the server has sums of. */
const steps = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400,
] as const;

/** As many bars as can be told apart and pointed at. */
const most = 90;

/** Seconds of the buckets that a range is shown in. */
export function stepFor(bounds: Bounds): number {
  const seconds = (instantToMillis(bounds.to) - instantToMillis(bounds.from)) / 1000;
  const day = 86_400;
  return steps.find((step) => seconds / step <= most + 1) ?? Math.ceil(seconds / most / day) * day;
}
