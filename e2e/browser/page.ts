// The test of every page: Playwright's, with an eye on what must never happen.

import { test as base, expect, type APIRequestContext, type Page } from '@playwright/test';
import { interfaceURL } from './environment';

interface Watched {
  /** Console errors and requests to other hosts that a test expects, by what their text contains. */
  allow: string[];
}

/** Fails a test in whose course the console shows an error, a script throws, or another host is asked for anything. */
export const test = base.extend<Watched>({
  allow: [async ({}, use) => use([]), { auto: false }],
  page: async ({ page, allow, baseURL }, use) => {
    const unwanted: string[] = [];
    const { origin } = new URL(baseURL ?? interfaceURL());
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') unwanted.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => unwanted.push(`script: ${error.message}`));
    page.on('request', (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith('http') && url.origin !== origin) unwanted.push(`request: ${request.url()}`);
    });
    await use(page);
    expect(unwanted.filter((text) => !allow.some((part) => text.includes(part)))).toEqual([]);
  },
});

export { expect };

export interface WireSpan {
  span_id: string;
  parent_span_id?: string;
  name: string;
  service_name: string;
  status: { code: number };
}

export interface WireSummary {
  trace_id: string;
  span_count: number;
  error_count: number;
  root: { name: string; service_name: string };
}

/** Traces of the last hour that meet the filters, most spans first, straight from the API. */
export async function traces(request: APIRequestContext, filters: unknown[] = []): Promise<WireSummary[]> {
  const answer = await search<{ traces: WireSummary[] }>(request, 'traces', filters);
  return answer.traces.sort((a, b) => b.span_count - a.span_count);
}

export async function search<T>(request: APIRequestContext, signal: string, filters: unknown[]): Promise<T> {
  const response = await request.post(`/api/${signal}/search`, {
    data: {
      time_range: {
        start_time: new Date(Date.now() - 3_600_000).toISOString(),
        end_time: new Date(Date.now() + 60_000).toISOString(),
      },
      filters,
      pagination: { limit: 200 },
    },
  });
  expect(response.status(), await response.text()).toBe(200);
  return (await response.json()) as T;
}

export async function spansOf(request: APIRequestContext, traceId: string): Promise<WireSpan[]> {
  const response = await request.get(`/api/traces/${traceId}`);
  expect(response.status()).toBe(200);
  return ((await response.json()) as { spans: WireSpan[] }).spans;
}

/** The one trace with an error and the most spans: there is something of everything in it. */
export async function troubledTrace(request: APIRequestContext): Promise<WireSummary> {
  const [most] = await traces(request, [{ field: 'status', operator: 'eq', value: 'error' }]);
  if (most === undefined) throw new Error('the demo data hold no trace with an error');
  return most;
}

export const traceRows = (page: Page) => page.getByRole('list', { name: 'Traces' }).getByRole('link');
export const spanRows = (page: Page) => page.getByRole('tree', { name: 'Spans' }).getByRole('treeitem');
export const logRows = (page: Page) => page.getByRole('list', { name: 'Log records' }).getByRole('listitem');
