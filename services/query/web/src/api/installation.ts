// What an installation is told to do, and what it has. Nothing of it is telemetry; it is shown as the contract has it.

import type { Bounds } from '../time/range';
import { getJSON, postJSON, putJSON, remove } from './client';
import { between } from './endpoints';
import type { components } from './wire';

type Wire = components['schemas'];

/** Which build answers, and where it takes telemetry. */
export const getAbout = (signal: AbortSignal): Promise<Wire['About']> => getJSON('/api/about', {}, signal);

export type Retention = Wire['RetentionPolicy'];
export type Key = Wire['Key'];
export type NewKey = Wire['NewKey'];
export type KeyScope = Wire['KeyScope'];
export type Usage = Wire['Usage'];
export type StoredStats = Wire['StoredStats'];
export type SignalStats = Wire['SignalStats'];
export type SignalName = Wire['SignalName'];
export type DeadLetter = Wire['DeadLetter'];
export type DeadLetterPage = Wire['DeadLetterPage'];
export type DeadLetterSelection = Wire['DeadLetterSelection'];
export type About = Wire['About'];

/** How long the tenant's data is kept, a policy for each signal. */
export const getRetention = async (signal: AbortSignal): Promise<readonly Retention[]> =>
  (await getJSON<Wire['Retention']>('/api/retention', {}, signal)).policies;

export const setRetention = (change: Wire['RetentionChange'], signal: AbortSignal): Promise<Wire['Retention']> =>
  putJSON('/api/retention', change, signal);

export const listKeys = async (signal: AbortSignal): Promise<readonly Key[]> =>
  (await getJSON<Wire['KeyList']>('/api/keys', {}, signal)).keys;

/** Makes a key. The answer is the only one that ever has it. */
export const createKey = (wish: Wire['KeyRequest'], signal: AbortSignal): Promise<NewKey> =>
  postJSON('/api/keys', wish, signal);

export const revokeKey = (id: string, signal: AbortSignal): Promise<void> =>
  remove(`/api/keys/${encodeURIComponent(id)}`, signal);

/** What was stored by day and signal. */
export const getUsage = (bounds: Bounds, allTenants: boolean, signal: AbortSignal): Promise<Usage> =>
  getJSON('/api/usage', { ...between(bounds), ...(allTenants ? { all_tenants: 'true' } : {}) }, signal);

/** What is in the database now; how large that is itself is an administrator's to know. */
export const getStats = (installation: boolean, signal: AbortSignal): Promise<StoredStats> =>
  getJSON('/api/stats', installation ? { installation: 'true' } : {}, signal);

export const listDeadLetters = (
  { signal: of, code, after }: { signal?: SignalName | undefined; code?: string | undefined; after: number },
  signal: AbortSignal,
): Promise<DeadLetterPage> =>
  getJSON(
    '/api/dead-letters',
    {
      ...(of === undefined ? {} : { signal: of }),
      ...(code === undefined ? {} : { code }),
      ...(after === 0 ? {} : { after: String(after) }),
      limit: '100',
    },
    signal,
  );

export const getDeadLetter = (sequence: number, signal: AbortSignal): Promise<Wire['DeadLetterDetail']> =>
  getJSON(`/api/dead-letters/${sequence}`, {}, signal);

/** What becomes of dead letters: they are tried again, or gone for good. */
export type Fate = 'replay' | 'drop';

export const settleDeadLetter = (fate: Fate, sequence: number, signal: AbortSignal): Promise<void> =>
  fate === 'drop'
    ? remove(`/api/dead-letters/${sequence}`, signal)
    : postJSON(`/api/dead-letters/${sequence}/replay`, {}, signal);

/** Of all that are selected, a thousand a request. The answer is how many; where one of the requests fails, those before it are done. */
export async function settleDeadLetters(
  fate: Fate,
  selection: DeadLetterSelection,
  signal: AbortSignal,
): Promise<number> {
  let all = 0;
  for (let left: DeadLetterSelection | undefined = selection; left !== undefined;) {
    const answer: Wire['DeadLettersDone'] = await postJSON(`/api/dead-letters/${fate}`, left, signal);
    all += answer.done;
    left = answer.has_more ? answer.selection : undefined;
  }
  return all;
}
