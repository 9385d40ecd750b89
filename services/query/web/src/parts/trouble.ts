// How the server and its database stand, from what /health and /health/db say. Pure.

import type { components } from '../api/wire';

type Wire = components['schemas'];

/** What the two said; undefined where no answer came that can be read. */
export interface Observation {
  health: Wire['Health'] | undefined;
  database: Wire['DatabaseHealth'] | undefined;
}

export type Trouble =
  /** Nobody answers. */
  | { is: 'server' }
  /** Something that ollyScale needs is not well. `what` is the condition's name, as in docs/health.md. */
  | { is: 'database' | 'maintenance' | 'part'; what: string; message: string; advice: string };

export interface Standing {
  trouble: Trouble | undefined;
  /** When it was first seen so, in milliseconds. */
  since: number;
}

/** How it stands after an observation, given how it stood before. */
export function standingAfter(before: Standing | undefined, seen: Observation, now: number): Standing {
  const trouble = troubleIn(seen);
  const same = before !== undefined && before.trouble?.is === trouble?.is;
  return { trouble, since: same ? before.since : now };
}

function troubleIn({ health, database }: Observation): Trouble | undefined {
  if (health === undefined) return { is: 'server' };
  const failing = health.checks.filter((check) => check.status === 'fail');
  // Of several the database: where it is away, others fail for that.
  const check = failing.find(({ name }) => name === 'database') ?? failing[0];
  if (check === undefined) return undefined;
  const told = { what: check.name, message: check.message ?? '', advice: check.advice ?? '' };
  if (check.name !== 'database') return { is: 'part', ...told };
  const schema = check.code?.startsWith('schema.') === true || database?.connected === true;
  return { is: schema ? 'maintenance' : 'database', ...told };
}

/** Whether answers cannot be had: what is on the screen is all there is. */
export const isAway = (standing: Standing | undefined): boolean =>
  standing?.trouble !== undefined && standing.trouble.is !== 'part';
