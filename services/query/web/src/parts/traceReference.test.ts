import { expect, it } from 'vitest';
import { traceReferenceIn } from './traceReference';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const spanId = 'b7ad6b7169203331';

it.each([
  [traceId, undefined],
  [`  ${traceId.toUpperCase()}\n`, undefined],
  [`traceparent: 00-${traceId}-${spanId}-01`, spanId],
  [`2026-11-28T10:00:00Z INFO trace_id=${traceId} span_id=${spanId} order placed`, spanId],
  [`{"request":"${'f'.repeat(32)}","traceId":"${traceId}","spanId":"${spanId}"}`, spanId],
  [`http://olly.example/traces/${traceId}?span=x`, undefined],
  ['0af76519-16cd-43dd-8448-eb211c80319c', undefined],
])('%j names a trace', (text, span) => {
  expect(traceReferenceIn(text)).toEqual({ traceId, spanId: span });
});

it.each(['', 'cart', '0'.repeat(32), `${traceId}0`, 'sha256:' + 'a'.repeat(64), spanId])('%j names none', (text) => {
  expect(traceReferenceIn(text)).toBeUndefined();
});
