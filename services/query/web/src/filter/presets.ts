// Queries that are offered to everybody: what people look for first.

import type { Signal } from '../api/model';

export interface Preset {
  name: string;
  text: string;
}

export const presets: Readonly<Record<Signal, readonly Preset[]>> = {
  traces: [
    { name: 'Failed', text: 'status = error' },
    { name: 'Failed requests', text: 'kind = server and status = error' },
    { name: 'Slower than a second', text: 'duration > 1s' },
    { name: 'Roots', text: 'root = true' },
    { name: 'With a failed database call', text: 'root = true and anywhere(db.system exists and status = error)' },
    { name: 'Slow database calls', text: 'kind = client and duration > 100ms and db.system exists' },
  ],
  logs: [
    { name: 'Errors', text: 'severity >= error' },
    { name: 'Warnings and worse', text: 'severity >= warn' },
    { name: 'Exceptions', text: 'exception.type exists' },
    { name: 'Within a trace', text: 'trace_id exists' },
  ],
  metrics: [{ name: 'Histograms', text: 'type in (histogram, exponential_histogram)' }],
};
