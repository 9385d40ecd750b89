import { isZone, tellTimesIn } from '../time/zone';
import { preference, usePreference } from './preference';

/** What is kept where none was chosen: no zone is called so. */
export const browserZone = 'browser';

/** The zone that was chosen in this browser. */
export const zone = preference('zone', (kept) => (kept !== null && isZone(kept) ? kept : browserZone));

const tell = () => tellTimesIn(zone.get() === browserZone ? undefined : zone.get());
tell();
zone.subscribe(tell); // The first to hear of it: whoever draws then finds it done.

/** Another text for another zone: whatever shows times is drawn anew by it. */
export const useZone = (): string => usePreference(zone);
