import { describe, expect, it } from 'vitest';
import { TraceFileError, tracesOfFile } from './traceFile';
import { buildTree } from './tree';

const id = '0af7651916cd43dd8448eb211c80319c';
const otlp = (span: object = {}) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: '__proto__' } }] },
      scopeSpans: [
        {
          scope: { name: 'otel', version: '1' },
          spans: [
            {
              ...{ traceId: id, spanId: 'b7ad6b7169203331', name: 'get', kind: 2, status: { code: 2, message: 'no' } },
              ...{ startTimeUnixNano: '1763906607482019357', endTimeUnixNano: '1763906607482019457' },
              attributes: [{ key: 'n', value: { intValue: '9007199254740993' } }],
              events: [{ timeUnixNano: '1763906607482019400', name: 'exception' }],
              links: [{ traceId: id, spanId: 'b7ad6b7169203331' }],
              ...span,
            },
          ],
        },
      ],
    },
  ],
});
const read = (of: unknown) => tracesOfFile(typeof of === 'string' ? of : JSON.stringify(of));

describe('a file of OTLP', () => {
  it('is what it would be here', () => {
    const [trace] = read(otlp());
    expect(trace?.traceId).toBe(id);
    expect(trace?.spans[0]).toMatchObject({
      ...{
        service: '__proto__',
        kind: 'server',
        status: 'error',
        statusMessage: 'no',
        duration: 100,
        durationUnknown: false,
      },
      ...{ start: 1_763_906_607_482_019_357n, parentSpanId: '' },
      attributes: [{ key: 'n', value: { type: 'int', value: 9_007_199_254_740_993n } }],
      events: [{ time: 1_763_906_607_482_019_400n, name: 'exception' }],
      scope: { name: 'otel', version: '1' },
    });
  });

  it('may have a document a line, names of enums, and ids in base64', () => {
    const lines = [
      otlp(),
      otlp({ spanId: 'AAAAAAAAAAE=', kind: 'SPAN_KIND_CLIENT', parentSpanId: 'b7ad6b7169203331' }),
    ];
    const [trace] = read(`${lines.map((line) => JSON.stringify(line)).join('\n')}\n`);
    expect(trace?.spans.map(({ spanId, kind }) => [spanId, kind])).toEqual([
      ['b7ad6b7169203331', 'server'],
      ['0000000000000001', 'client'],
    ]);
    expect(buildTree(trace!.spans).nodes[1]?.depth).toBe(1);
  });

  it('may hold several traces, the largest first', () => {
    const other = otlp({ traceId: 'f'.repeat(32) });
    const two = {
      resourceSpans: [...other.resourceSpans, ...otlp().resourceSpans, ...otlp({ spanId: '01' }).resourceSpans],
    };
    expect(read(two).map(({ traceId, spans }) => [traceId, spans.length])).toEqual([
      [id, 2],
      ['f'.repeat(32), 1],
    ]);
  });

  it('tells a span that ended before it began', () => {
    expect(read(otlp({ endTimeUnixNano: '5' }))[0]?.spans[0]).toMatchObject({ duration: 0, durationUnknown: true });
  });
});

describe('a file of Jaeger', () => {
  const jaeger = {
    data: [
      {
        traceID: id,
        processes: { p1: { serviceName: 'web', tags: [{ key: 'host', type: 'string', value: 'h' }] } },
        spans: [
          {
            ...{
              traceID: id,
              spanID: '0a',
              operationName: 'get',
              startTime: 1763906607482019,
              duration: 5,
              processID: 'p1',
            },
            tags: [
              { key: 'span.kind', type: 'string', value: 'server' },
              { key: 'error', type: 'bool', value: true },
              { key: 'n', type: 'int64', value: 7 },
            ],
            references: [],
            logs: [{ timestamp: 1763906607482020, fields: [{ key: 'event', type: 'string', value: 'exception' }] }],
          },
          {
            ...{
              traceID: id,
              spanID: '0b',
              operationName: 'sql',
              startTime: 1763906607482020,
              duration: 1,
              processID: 'gone',
            },
            references: [
              { refType: 'FOLLOWS_FROM', traceID: 'f'.repeat(32), spanID: '0c' },
              { refType: 'CHILD_OF', traceID: id, spanID: '0a' },
            ],
          },
        ],
      },
    ],
  };

  it('is read with its processes, references and logs', () => {
    const [trace] = read(jaeger);
    const [get, sql] = trace!.spans;
    expect(get).toMatchObject({
      ...{
        name: 'get',
        service: 'web',
        kind: 'server',
        status: 'error',
        duration: 5_000,
        start: 1_763_906_607_482_019_000n,
      },
      events: [{ name: 'exception', time: 1_763_906_607_482_020_000n }],
    });
    expect(sql).toMatchObject({
      ...{ parentSpanId: '0a', service: 'unknown_service' },
      links: [{ traceId: 'f'.repeat(32), spanId: '0c' }],
    });
  });

  it('may be one trace alone', () => {
    expect(read(jaeger.data[0])[0]?.spans).toHaveLength(2);
  });
});

describe('what cannot be read is said with its place', () => {
  it.each([
    ['no JSON', 'nothing', /not JSON/],
    ['a broken line', `${JSON.stringify(otlp())}\n{"resourceSpans":[`, /Line 2 is not JSON/],
    ['other JSON', '{"a":1}', /neither OTLP .* nor Jaeger's/],
    ['a list', '[1]', /neither OTLP/],
    ['no spans', '{"resourceSpans":[]}', /no spans/],
    ['a list that is none', '{"resourceSpans":{}}', /resourceSpans is not a list/],
    [
      'a time',
      JSON.stringify(otlp({ startTimeUnixNano: 'noon' })),
      /spans\[0\]\.startTimeUnixNano is not a whole number: "noon"/,
    ],
    [
      'a time beyond all calendars',
      JSON.stringify(otlp({ startTimeUnixNano: '9000000000000000000000' })),
      /startTimeUnixNano is not a whole number/,
    ],
    [
      'a time beyond 64 bits',
      JSON.stringify(otlp({ endTimeUnixNano: '90000000000000000000' })),
      /endTimeUnixNano is beyond 64 bits/,
    ],
    ['an id', JSON.stringify(otlp({ spanId: 'zz!' })), /spans\[0\]\.spanId is no id: zz!/],
  ])('%s', (_, text, message) => {
    expect(() => read(text)).toThrow(TraceFileError);
    expect(() => read(text)).toThrow(message);
  });
});
