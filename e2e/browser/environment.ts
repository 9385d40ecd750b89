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
