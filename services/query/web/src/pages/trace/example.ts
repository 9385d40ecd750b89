// For tests: spans with nothing about them but what a test gives them.

import type { Span } from '../../api/model';

/** `start` and `duration` in nanoseconds; the span is named like its id. */
export function span(
  spanId: string,
  parentSpanId: string,
  start: number,
  duration: number,
  rest: Partial<Span> = {},
): Span {
  return {
    id: spanId,
    traceId: 't',
    spanId,
    parentSpanId,
    name: spanId,
    kind: 'internal',
    service: 'shop',
    start: 1_000_000n + BigInt(start),
    duration,
    durationUnknown: false,
    status: 'unset',
    statusMessage: '',
    traceState: '',
    attributes: [],
    events: [],
    links: [],
    resource: { service: 'shop', attributes: [], schemaUrl: '', droppedAttributes: 0 },
    scope: { name: '', version: '', attributes: [], schemaUrl: '', droppedAttributes: 0 },
    dropped: { attributes: 0, events: 0, links: 0 },
    ...rest,
  };
}
