// Finds the trace that a pasted text names: an id, a traceparent header, a line of a log, a link. Pure.

export interface TraceReference {
  traceId: string;
  spanId: string | undefined;
}

/** W3C Trace Context: version, trace id, parent id, flags. */
const traceparent = /(?<![0-9a-f])[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?![0-9a-f])/i;
const id = /(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/gi;
/** As UUIDs are written, which some senders do with trace ids. */
const dashed = /(?<![0-9a-f-])([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})(?![0-9a-f-])/i;
const spanNamed = /span[._-]?id["']?\s*[:=]\s*["']?([0-9a-f]{16})(?![0-9a-f])/i;
const traceNamed = /trace[._-]?id["']?\s*[:=]\s*["']?([0-9a-f]{32})(?![0-9a-f])/i;

/** Of several ids the one that is called a trace id, else the first. */
export function traceReferenceIn(text: string): TraceReference | undefined {
  const header = traceparent.exec(text);
  if (header !== null) return reference(header[1], header[2]);
  const named = traceNamed.exec(text)?.[1] ?? text.match(id)?.[0] ?? dashed.exec(text)?.slice(1).join('');
  return reference(named, spanNamed.exec(text)?.[1]);
}

function reference(traceId: string | undefined, spanId: string | undefined): TraceReference | undefined {
  if (traceId === undefined || /^0+$/.test(traceId)) return undefined;
  return { traceId: traceId.toLowerCase(), spanId: spanId?.toLowerCase() };
}
