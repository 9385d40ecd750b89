// The one door to the server. Everything that goes wrong on the way becomes an ApiError with a code that can be shown.

import { at } from './base';
import { EventReader, type ServerEvent } from './events';
import type { components } from './wire';

type Problem = components['schemas']['Problem'];

export class ApiError extends Error {
  constructor(
    /** HTTP status; 0 when no answer came. */
    readonly status: number,
    /** Stable and dotted, as in problem+json; `network` when no answer came. */
    readonly code: string,
    message: string,
    readonly detail: string = '',
    readonly requestId: string = '',
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Whether the same request may succeed later: the server is away, overloaded or still starting. */
  get transient(): boolean {
    return (
      this.status === 0 || this.status === 429 || this.status === 502 || this.status === 503 || this.status === 504
    );
  }
}

export async function getJSON<T>(path: string, query: Record<string, string>, signal: AbortSignal): Promise<T> {
  const search = new URLSearchParams(query).toString();
  return request<T>(search === '' ? path : `${path}?${search}`, { signal });
}

/** An answer as it comes, and its headers. */
export async function getText(path: string, signal: AbortSignal): Promise<{ text: string; headers: Headers }> {
  const response = await ask(path, { signal });
  return { text: await response.text(), headers: response.headers };
}

export const postJSON = <T>(path: string, body: unknown, signal: AbortSignal): Promise<T> =>
  sendJSON<T>('POST', path, body, signal);

export const putJSON = <T>(path: string, body: unknown, signal: AbortSignal): Promise<T> =>
  sendJSON<T>('PUT', path, body, signal);

export const remove = (path: string, signal: AbortSignal): Promise<void> =>
  request<void>(path, { method: 'DELETE', signal });

function sendJSON<T>(method: string, path: string, body: unknown, signal: AbortSignal): Promise<T> {
  return request<T>(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
}

let tenant: string | undefined;

/** From now on asks for data of this tenant and no other; undefined: of whichever the login has at the moment. */
export function askAbout(named: string | undefined): void {
  tenant = named;
}

/** The answer, once its head is there and good. */
async function ask(path: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  if (tenant !== undefined && path.startsWith('/api/')) headers.set('X-Scope-OrgID', tenant);
  let response: Response;
  try {
    response = await fetch(at(path), { ...init, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(0, 'network', 'ollyScale does not answer', 'The query service could not be reached.');
  }
  if (!response.ok) throw await refusal(response);
  return response;
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  const response = await ask(path, init);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError(response.status, 'answer.unreadable', 'The answer is not JSON', `GET ${path}`);
  }
}

/**
 * Server-sent events until the server ends them, after one called "open" that says that it answers. By fetch rather than by EventSource, which can name no tenant and goes on
 * asking whatever the refusal is.
 */
export async function streamEvents(
  path: string,
  query: Record<string, string>,
  signal: AbortSignal,
  on: (event: ServerEvent) => void,
): Promise<void> {
  const address = `${path}?${new URLSearchParams(query).toString()}`;
  const { body } = await ask(address, { signal, headers: { Accept: 'text/event-stream' } });
  on({ name: 'open', data: '' });
  if (body === null) return;
  const events = new EventReader();
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of events.read(value)) on(event);
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError(0, 'network', 'ollyScale does not answer', 'The connection was lost.');
  }
}

/** How long nobody may answer before that is the answer, in milliseconds: the checks of /health take two seconds at most. */
const probeTimeout = 5_000;

/** What a path of health answers, good or bad; undefined where no answer comes that can be read. */
export async function probeJSON<T>(path: string, signal: AbortSignal): Promise<T | undefined> {
  try {
    const response = await fetch(at(path), { signal: AbortSignal.any([signal, AbortSignal.timeout(probeTimeout)]) });
    return (await response.json()) as T;
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

async function refusal(response: Response): Promise<ApiError> {
  const type = response.headers.get('Content-Type') ?? '';
  if (type.includes('json')) {
    try {
      const problem = (await response.json()) as Partial<Problem>;
      return new ApiError(
        response.status,
        problem.code ?? `http.${response.status}`,
        problem.title ?? response.statusText,
        problem.detail ?? '',
        problem.request_id ?? '',
      );
    } catch {
      // Falls through: a body that is not what its type says tells nothing more than the status does.
    }
  }
  return new ApiError(response.status, `http.${response.status}`, response.statusText || 'The request failed');
}
