import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askAbout } from './client';
import { listFields, wireFilter } from './endpoints';
import { chooseTenant, getMe, loginByKey } from './session';

const signal = new AbortController().signal;

/** What the server answers to each path, and what it was asked: the path, and the tenant that the request named. */
let answers: Record<string, () => Response>;
let asked: (readonly [path: string, tenant: string | null])[];

const me = (tenant: string, more: object) =>
  Response.json({ name: 'ada', tenant, tenants: ['red', 'blue'], scopes: ['query'], ...more });
const login = { session_until: '2026-11-27T12:00:00Z' };

beforeEach(() => {
  asked = [];
  answers = {
    '/api/me': () => me('red', login),
    '/api/fields': () => Response.json({ fields: [], prefixes: [] }),
    '/auth/tenant': () => new Response(null, { status: 204 }),
    '/auth/key': () => new Response(null, { status: 204 }),
  };
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    asked.push([path, new Headers(init.headers).get('X-Scope-OrgID')]);
    return Promise.resolve(answers[path]?.() ?? new Response(null, { status: 404 }));
  });
});

afterEach(() => {
  askAbout(undefined);
  vi.unstubAllGlobals();
});

describe('somebody who is logged in', () => {
  it('is shown the tenant that his window says, whatever is chosen in another', async () => {
    await getMe(signal);
    await listFields(signal).catch(() => undefined);
    await chooseTenant('blue', signal); // It names the tenant itself; and only data are anybody's.
    expect(asked).toEqual([
      ['/api/me', null],
      ['/api/fields', 'red'],
      ['/auth/tenant', null],
    ]);
  });

  it('is not told to name a tenant where nobody logs in: a proxy may do that', async () => {
    answers['/api/me'] = () => me('red', {});
    await getMe(signal);
    await listFields(signal).catch(() => undefined);
    expect(asked.at(-1)).toEqual(['/api/fields', null]);
  });
});

describe('a login by key', () => {
  it('is not about the tenant of a login that ended before it', async () => {
    await getMe(signal); // red
    const session = 'blue';
    answers['/api/me'] = () => {
      const named = asked.at(-1)?.[1] ?? session;
      return named === session
        ? me(session, login)
        : Response.json({ code: 'auth.tenant', title: 'x' }, { status: 403 });
    };
    await expect(loginByKey('olly_x', signal)).resolves.toBeUndefined();
    await listFields(signal).catch(() => undefined);
    expect(asked.at(-1)).toEqual(['/api/fields', 'blue']);
  });

  it('has worked when the browser kept it', async () => {
    await expect(loginByKey('olly_x', signal)).resolves.toBeUndefined();
  });

  it('says so when the browser did not keep it, and passes on whatever else went wrong', async () => {
    answers['/api/me'] = () => Response.json({ code: 'auth.unauthenticated', title: 'x' }, { status: 401 });
    await expect(loginByKey('olly_x', signal)).rejects.toMatchObject({ code: 'login.not_kept' });
    answers['/api/me'] = () => Response.json({ code: 'postgres.unavailable', title: 'x' }, { status: 503 });
    await expect(loginByKey('olly_x', signal)).rejects.toMatchObject({ code: 'postgres.unavailable' });
    answers['/auth/key'] = () => Response.json({ code: 'auth.scope', title: 'x' }, { status: 403 });
    await expect(loginByKey('olly_x', signal)).rejects.toMatchObject({ code: 'auth.scope' });
  });
});

it('sends numbers that JSON does not know by their names', () => {
  const filter = (value: number) =>
    wireFilter({ field: 'attributes.x', operator: 'eq', value: { type: 'double', value } });
  expect(filter(NaN)).toMatchObject({ value: { doubleValue: 'NaN' } });
  expect(filter(-Infinity)).toMatchObject({ value: { doubleValue: '-Infinity' } });
  expect(filter(1.5)).toMatchObject({ value: { doubleValue: 1.5 } });
});
