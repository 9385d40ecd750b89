// What a login at the identity provider can come back with.

const texts: Record<string, string> = {
  'login.issuer': 'The identity provider does not answer. Try again in a moment, or use a key.',
  'login.flow': 'The login was not completed. Try again, in one window.',
  'login.token':
    'The identity provider answered with something that cannot be trusted. Try again, or tell your administrator.',
  'login.no_role':
    'You are known to the identity provider, but it gives you no role or no tenant here. Ask your administrator for one.',
  'login.too_many_tenants':
    'The identity provider gives you more tenants than a login can hold. Tell your administrator.',
};

/** In words, for a code that the server gave; a link that anybody made up says no more than that something went wrong. */
export const problemText = (code: string): string =>
  Object.hasOwn(texts, code) ? `${texts[code]} (${code})` : 'The login went wrong. Try again.';
