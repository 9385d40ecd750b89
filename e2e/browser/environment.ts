// What the tests need from outside. Anything missing is an error that says what to do: a test that cannot run has failed.

import { accessSync, constants } from 'node:fs';

/** Where the ollyScale under test serves its interface. It holds demo data of the last hour. */
export function interfaceURL(): string {
  const url = process.env['OLLY_UI_URL'];
  if (url === undefined || url === '') {
    throw new Error(
      'OLLY_UI_URL is not set: it names a running ollyScale with demo data, for example http://127.0.0.1:8080. ' +
        '`make test-browser` starts one and sets it.',
    );
  }
  return url;
}

/** Where the ollyScale with demo data takes OTLP over HTTP, for tests that send their own. */
export const otlpURL = (): string => fromCI('OLLY_OTLP_URL');

/** Where the ollyScale serves that lets in who logs in only, with a key or at the provider for tests. */
export const loginURL = (): string => fromCI('OLLY_LOGIN_URL');

/** Where the identity provider for tests is. */
export const providerURL = (): string => fromCI('OLLY_PROVIDER_URL');

/** A key of that ollyScale that may query, in the tenant `default`. */
export const viewerKey = (): string => fromCI('OLLY_VIEWER_KEY');

/** One that may send, and nothing else. */
export const senderKey = (): string => fromCI('OLLY_SENDER_KEY');

function fromCI(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is not set: \`make test-browser\` does.`);
  return value;
}

/** The Chromium to drive: $OLLY_CHROMIUM, the one `make` put into .tools, or one that is installed. */
export function browserPath(): string {
  const named = process.env['OLLY_CHROMIUM'];
  const candidates =
    named !== undefined && named !== ''
      ? [named]
      : [
          new URL('../../.tools/chromium', import.meta.url).pathname,
          '/usr/bin/chromium',
          '/usr/bin/chromium-browser',
          '/usr/bin/google-chrome',
        ];
  for (const path of candidates) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next one.
    }
  }
  throw new Error(
    `No Chromium at ${candidates.join(', ')}: install one (Debian: apt-get install chromium) or name it in OLLY_CHROMIUM.`,
  );
}
