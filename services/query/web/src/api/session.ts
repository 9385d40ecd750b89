// Who asks, and how one logs in and out.

import { at } from './base';
import { ApiError, askAbout, getJSON, postJSON } from './client';
import type * as model from './model';
import type { components } from './wire';

type Wire = components['schemas'];

/**
 * Who asks. Somebody who is logged in asks about the tenant of this answer from then on: all windows of a browser have one
 * login, and when another tenant is chosen in one, the others go on showing what they say that they show.
 */
export async function getMe(signal: AbortSignal): Promise<model.Me> {
  let wire;
  try {
    wire = await getJSON<Wire['Me']>('/api/me', {}, signal);
  } catch (error) {
    // The tenant was that of another login, which ended here or in another window.
    if (!(error instanceof ApiError && error.status === 403)) throw error;
    askAbout(undefined);
    wire = await getJSON<Wire['Me']>('/api/me', {}, signal);
  }
  const loggedIn = wire.session_until !== undefined;
  askAbout(loggedIn ? wire.tenant : undefined);
  return { name: wire.name, tenant: wire.tenant, tenants: wire.tenants, scopes: wire.scopes, loggedIn };
}

/** What one can log in with. Asks nobody who he is. */
export const getLoginMethods = (signal: AbortSignal): Promise<Wire['LoginMethods']> =>
  getJSON('/auth/methods', {}, signal);

/** Exchanges a key for a login, which the browser keeps out of reach of this code. Whether it did is asked at once: it does not say so. */
export async function loginByKey(key: string, signal: AbortSignal): Promise<void> {
  await postJSON('/auth/key', { key } satisfies Wire['LoginByKey'], signal);
  try {
    await getMe(signal);
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 401)) throw error;
    throw new ApiError(
      401,
      'login.not_kept',
      'The browser did not keep the login',
      'The key is good, but this browser did not keep the login: it has to take cookies here, and where ollyScale is ' +
        'reached by https elsewhere (login.oidc.public_url), it has to be opened there.',
    );
  }
}

/** Where the identity provider asks who one is, and leads back from to a page of this interface. */
export const providerLogin = (page: string): string =>
  at(`/auth/login?${new URLSearchParams({ return: page }).toString()}`);

/** Makes another of the own tenants the one whose data is shown. */
export const chooseTenant = (tenant: string, signal: AbortSignal): Promise<void> =>
  postJSON('/auth/tenant', { tenant } satisfies Wire['TenantChoice'], signal);

/** Ends the login. The answer is where to go now: the login page, or that of the identity provider where one leaves it, too. */
export const logout = async (signal: AbortSignal): Promise<string> => {
  const { next } = await postJSON<Wire['LoggedOut']>('/auth/logout', {}, signal);
  return next.startsWith('/') ? at(next) : next;
};
