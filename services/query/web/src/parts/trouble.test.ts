import { describe, expect, it } from 'vitest';
import type { components } from '../api/wire';
import { isAway, standingAfter, type Observation } from './trouble';

type Check = components['schemas']['HealthCheck'];

const seen = (checks: Check[], connected = true): Observation => ({
  health: {
    status: checks.some((c) => c.status === 'fail') ? 'fail' : 'ok',
    service: 'query',
    version: '1',
    checks,
  },
  database: { status: connected ? 'ok' : 'fail', connected },
});
const fails = (name: string, code: string): Check => ({
  name,
  status: 'fail',
  code,
  message: `${name} fails`,
  advice: 'Do this.',
});
const nobody: Observation = { health: undefined, database: undefined };

describe('how the server stands', () => {
  it('is well while every condition is', () => {
    expect(standingAfter(undefined, seen([{ name: 'database', status: 'ok' }]), 5)).toEqual({
      trouble: undefined,
      since: 5,
    });
  });

  it('tells a server that is away from a database that is, and from one whose schema is another', () => {
    expect(standingAfter(undefined, nobody, 5).trouble).toEqual({ is: 'server' });
    expect(
      standingAfter(undefined, seen([fails('keys', 'x'), fails('database', 'postgres.down')], false), 5).trouble,
    ).toEqual({
      is: 'database',
      what: 'database',
      message: 'database fails',
      advice: 'Do this.',
    });
    expect(standingAfter(undefined, seen([fails('database', 'schema.older')]), 5).trouble?.is).toBe('maintenance');
    const part = standingAfter(undefined, seen([{ name: 'database', status: 'ok' }, fails('writer', 'x')]), 5);
    expect(part.trouble).toMatchObject({ is: 'part', what: 'writer' });
    expect([isAway(part), isAway(standingAfter(undefined, nobody, 5)), isAway(undefined)]).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('is so since it was first seen so', () => {
    const well = standingAfter(undefined, seen([]), 1);
    const away = standingAfter(well, nobody, 2);
    expect(standingAfter(away, nobody, 9).since).toBe(2);
    expect(standingAfter(away, seen([fails('database', 'postgres.down')], false), 10).since).toBe(10);
    expect(standingAfter(away, seen([]), 11)).toEqual({ trouble: undefined, since: 11 });
  });
});
