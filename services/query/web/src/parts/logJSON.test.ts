import { expect, it } from 'vitest';
import type { LogRecord } from '../api/model';
import { logJSON } from './logJSON';

const record: LogRecord = {
  id: '7.1',
  time: 1795428900060000001n,
  observedTime: 0n,
  severityNumber: 17,
  severityDerived: false,
  severityText: '',
  body: { type: 'map', entries: [{ key: 'n', value: { type: 'int', value: 9007199254740993n } }] },
  eventName: '',
  traceId: '0af7',
  spanId: '',
  service: 'cart',
  attributes: [{ key: '__proto__', value: { type: 'string', value: 'a "b"' } }],
  droppedAttributes: 0,
  resource: { service: 'cart', attributes: [], schemaUrl: '', droppedAttributes: 0 },
  scope: { name: '', version: '', attributes: [], schemaUrl: '', droppedAttributes: 0 },
};

it('writes what a record has, with all its digits, and nothing that it has not', () => {
  expect(logJSON(record)).toBe(
    [
      '{',
      '  "id": "7.1",',
      '  "timestamp": "2026-11-23T10:15:00.060000001Z",',
      '  "severity_number": 17,',
      '  "body": {',
      '    "n": 9007199254740993',
      '  },',
      '  "trace_id": "0af7",',
      '  "attributes": {',
      '    "__proto__": "a \\"b\\""',
      '  }',
      '}',
    ].join('\n'),
  );
  expect(Object.keys(JSON.parse(logJSON(record)) as object)).toEqual([
    'id',
    'timestamp',
    'severity_number',
    'body',
    'trace_id',
    'attributes',
  ]);
});
