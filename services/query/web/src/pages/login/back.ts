// Where a login leads back to.

/** The address to go to after login: a page of this interface, else the first one. Never another site's, and not the login. */
export function back(wanted: string | undefined): string {
  if (wanted === undefined || !/^\/(?![/\\])/.test(wanted)) return '/';
  const base = 'http://here';
  const url = URL.canParse(wanted, base) ? new URL(wanted, base) : undefined;
  if (url?.origin !== base || /^\/(login|auth|api)(\/|$)/.test(url.pathname)) return '/';
  return url.pathname + url.search + url.hash;
}
