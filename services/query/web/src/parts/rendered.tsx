// For tests: a part as the text of its markup, as it first stands in the page.

import { MantineProvider } from '@mantine/core';
import type { ReactNode } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

export function rendered(part: ReactNode): string {
  const page = renderToStaticMarkup(
    <MantineProvider>
      <main>{part}</main>
    </MantineProvider>,
  );
  return page.replace(/.*<main>(.*)<\/main>.*/s, '$1'); // Less the theme's style elements.
}

/** What stands between the tags, in order. */
export const texts = (markup: string): string[] => [...markup.matchAll(/>([^<>]+)</g)].map((match) => match[1] ?? '');
