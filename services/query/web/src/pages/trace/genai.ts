// What a span tells of a call of a language model or of a tool, whichever of the conventions it follows: the messages of OpenTelemetry's today
// (gen_ai.input.messages), its events of before (gen_ai.user.message, in spans or in log records), its attributes of long ago
// (gen_ai.prompt.0.content), and those of OpenInference (llm.input_messages.0.message.content). Texts of the data throughout: no key of them
// is one of a plain object that is looked at without asking whether it is its own.

import type { Attribute, LogRecord, Span, Value } from '../../api/model';

export type MessagePart =
  | { kind: 'text' | 'reasoning'; text: string }
  | { kind: 'call'; id: string; name: string; args: string }
  | { kind: 'result'; id: string; name: string; text: string }
  /** What is none of these, as JSON: an image, a file. */
  | { kind: 'other'; type: string; text: string };

export interface Message {
  /** system, user, assistant, tool; or what the sender calls it. */
  role: string;
  parts: readonly MessagePart[];
  /** Why the model ended there; empty where that is not told. */
  finish: string;
}

export interface GenAI {
  /** chat, embeddings, execute_tool …; empty where that is not told, as all texts here. */
  operation: string;
  provider: string;
  /** What was asked for, and what answered. */
  requestModel: string;
  responseModel: string;
  agent: string;
  conversation: string;
  messages: readonly Message[];
  /** Names of the tools that the model was given. */
  tools: readonly string[];
  /** Of a span that ran a tool. */
  tool: { name: string; id: string; args: string; result: string } | undefined;
  tokens: {
    input: number | undefined;
    output: number | undefined;
    total: number | undefined;
    cached: number | undefined;
  };
  /** As the sender told it; nothing is reckoned here. */
  cost: number | undefined;
}

/** Whether a span is about a language model, an agent or a tool of one. */
export const isGenAI = (span: Pick<Span, 'attributes'>): boolean =>
  span.attributes.some(({ key }) => /^(gen_ai|llm)\.|^openinference\.span\.kind$/.test(key));

/** What a span tells, with its log records where these hold the messages; undefined where it is about something else. */
export function genAIOf(span: Span, logs: readonly LogRecord[] = []): GenAI | undefined {
  if (!isGenAI(span)) return undefined;
  const told = tellerOf(span.attributes);
  const tool = told.text('gen_ai.tool.name', 'tool.name');
  return {
    operation: told.text('gen_ai.operation.name', 'llm.request.type', 'openinference.span.kind'),
    provider: told.text('gen_ai.provider.name', 'gen_ai.system', 'llm.provider', 'llm.system'),
    requestModel: told.text('gen_ai.request.model', 'llm.request.model', 'llm.model_name'),
    responseModel: told.text('gen_ai.response.model', 'llm.response.model'),
    agent: told.text('gen_ai.agent.name', 'agent.name'),
    conversation: told.text('gen_ai.conversation.id', 'session.id'),
    messages: messagesOf(span, logs),
    tools: toolNames(told),
    tool:
      tool === ''
        ? undefined
        : {
            name: tool,
            id: told.text('gen_ai.tool.call.id'),
            args: told.text('gen_ai.tool.call.arguments', 'input.value', 'traceloop.entity.input'),
            result: told.text('gen_ai.tool.call.result', 'output.value', 'traceloop.entity.output'),
          },
    tokens: {
      input: told.number(
        ...['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
        ...['llm.usage.prompt_tokens', 'llm.token_count.prompt'],
      ),
      output: told.number(
        ...['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
        ...['llm.usage.completion_tokens', 'llm.token_count.completion'],
      ),
      total: told.number('gen_ai.usage.total_tokens', 'llm.usage.total_tokens', 'llm.token_count.total'),
      cached: told.number(
        ...['gen_ai.usage.cache_read.input_tokens', 'gen_ai.usage.cache_read_input_tokens'],
        'llm.token_count.prompt_details.cache_read',
      ),
    },
    cost: told.number(
      'gen_ai.usage.cost',
      'gen_ai.usage.total_cost',
      'gen_ai.cost',
      'llm.usage.cost',
      'llm.cost.total',
    ),
  };
}

interface Teller {
  value: (key: string) => unknown;
  /** The first of these that there is. */
  text: (...keys: string[]) => string;
  number: (...keys: string[]) => number | undefined;
  keys: readonly string[];
}

function tellerOf(attributes: readonly Attribute[]): Teller {
  const values = new Map(attributes.map(({ key, value }) => [key, value]));
  const value = (key: string): unknown => {
    const of = values.get(key);
    return of === undefined ? undefined : plain(of);
  };
  return {
    keys: [...values.keys()],
    value,
    text: (...keys) => keys.map((key) => asText(value(key))).find((text) => text !== '') ?? '',
    number: (...keys) => {
      for (const key of keys) {
        const of = value(key);
        const number = typeof of === 'number' ? of : typeof of === 'string' && of.trim() !== '' ? Number(of) : NaN;
        if (Number.isFinite(number)) return number;
      }
      return undefined;
    },
  };
}

/** A value as JSON would have it; integers as numbers. */
function plain(value: Value): unknown {
  switch (value.type) {
    case 'string':
    case 'bool':
    case 'double':
      return value.value;
    case 'int':
      return Number(value.value);
    case 'bytes':
      return value.base64;
    case 'array':
      return value.items.map(plain);
    case 'map':
      return Object.fromEntries(value.entries.map((entry) => [entry.key, plain(entry.value)]));
    case 'empty':
      return undefined;
  }
}

const asText = (of: unknown): string => {
  if (of === undefined || of === null) return '';
  if (typeof of === 'string') return of;
  if (typeof of === 'number' || typeof of === 'boolean') return String(of);
  try {
    return JSON.stringify(of, null, 2);
  } catch {
    return 'A value that is nested too deeply to be shown.';
  }
};

/** How deep messages lie within each other. */
const mostNested = 64;

/** What is JSON in a text, where it is that; the text otherwise. */
function parsed(of: unknown): unknown {
  if (typeof of !== 'string' || !/^\s*[[{]/.test(of)) return of;
  try {
    return JSON.parse(of) as unknown;
  } catch {
    return of;
  }
}

function member(of: unknown, key: string): unknown {
  return typeof of === 'object' && of !== null && Object.hasOwn(of, key)
    ? (of as Record<string, unknown>)[key]
    : undefined;
}

/** The first of these members that there is. */
const oneOf = (of: unknown, ...keys: string[]): unknown =>
  keys.map((key) => member(of, key)).find((value) => value !== undefined && value !== null);

/** The messages, by the first convention that has some. */
function messagesOf(span: Span, logs: readonly LogRecord[]): readonly Message[] {
  const told = tellerOf(span.attributes);
  const events = [
    ...span.events.map((event) => ({ name: event.name, told: tellerOf(event.attributes), body: undefined })),
    ...logs.map((record) => ({
      name: record.eventName || tellerOf(record.attributes).text('event.name'),
      told: tellerOf(record.attributes),
      body: plain(record.body),
    })),
  ];
  const ways: (() => readonly Message[])[] = [
    () => ofStructured(told),
    () =>
      events
        .filter(({ name }) => name === 'gen_ai.client.inference.operation.details')
        .flatMap((event) => ofStructured(event.told)),
    () => events.flatMap(({ name, told: of, body }) => ofEvent(name, of, body)),
    () => [
      ...ofIndexed(told, /^gen_ai\.prompt\.(\d+)\.(.+)$/, 'user'),
      ...ofIndexed(told, /^gen_ai\.completion\.(\d+)\.(.+)$/, 'assistant'),
    ],
    () => [
      ...ofIndexed(told, /^llm\.input_messages\.(\d+)\.message\.(.+)$/, 'user'),
      ...ofIndexed(told, /^llm\.output_messages\.(\d+)\.message\.(.+)$/, 'assistant'),
    ],
    () =>
      events.flatMap(({ name, told: of }) => [
        ...(name === 'gen_ai.content.prompt' ? listOf(of.value('gen_ai.prompt'), 'user') : []),
        ...(name === 'gen_ai.content.completion' ? listOf(of.value('gen_ai.completion'), 'assistant') : []),
      ]),
    () => [
      ...listOf(told.value('gen_ai.prompt') ?? told.value('input.value'), 'user'),
      ...listOf(told.value('gen_ai.completion') ?? told.value('output.value'), 'assistant'),
    ],
  ];
  for (const way of ways) {
    const found = way().filter(({ parts }) => parts.length > 0);
    if (found.length > 0) return found;
  }
  return [];
}

const ofStructured = (told: Teller): Message[] => [
  ...systemOf(told.value('gen_ai.system_instructions')),
  ...listOf(told.value('gen_ai.input.messages'), 'user'),
  ...listOf(told.value('gen_ai.output.messages'), 'assistant'),
];

/** Instructions are parts without a message around them. */
function systemOf(of: unknown): Message[] {
  const value = parsed(of);
  if (value === undefined || value === '') return [];
  const parts = Array.isArray(value) ? value.flatMap((one) => partsOf(one)) : partsOf(value);
  return [{ role: 'system', parts, finish: '' }];
}

/** A list of messages, one of them, or a text. */
function listOf(of: unknown, role: string): Message[] {
  const value = parsed(of);
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value)) return value.map((one) => messageOf(one, role));
  const messages = member(value, 'messages');
  return Array.isArray(messages) ? messages.map((one) => messageOf(one, role)) : [messageOf(value, role)];
}

function messageOf(of: unknown, role: string): Message {
  if (typeof of !== 'object' || of === null) return { role, parts: partsOf(of), finish: '' };
  const said = asText(oneOf(of, 'role')) || role;
  const id = asText(oneOf(of, 'tool_call_id', 'id'));
  const content = oneOf(of, 'parts', 'content', 'text');
  const body = Array.isArray(content) ? content.flatMap((one) => partsOf(one)) : partsOf(content);
  const parts =
    said === 'tool'
      ? body.map((part): MessagePart =>
          part.kind === 'text' ? { kind: 'result', id, name: asText(oneOf(of, 'name')), text: part.text } : part,
        )
      : body;
  const calls = parsed(oneOf(of, 'tool_calls'));
  return {
    role: said,
    parts: [...parts, ...(Array.isArray(calls) ? calls.map(callOf) : [])],
    finish: asText(oneOf(of, 'finish_reason')),
  };
}

function callOf(of: unknown): MessagePart {
  const called = oneOf(of, 'function', 'tool_call') ?? of;
  const inner = oneOf(called, 'function') ?? called;
  return {
    kind: 'call',
    id: asText(oneOf(of, 'id')),
    name: asText(oneOf(inner, 'name')),
    args: pretty(oneOf(inner, 'arguments', 'input')),
  };
}

const pretty = (of: unknown): string => asText(parsed(of));

function partsOf(of: unknown, nested = 0): MessagePart[] {
  if (of === undefined || of === null || of === '') return [];
  if (typeof of !== 'object') return [{ kind: 'text', text: asText(of) }];
  const type = asText(oneOf(of, 'type'));
  switch (type) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return [{ kind: 'text', text: asText(oneOf(of, 'content', 'text')) }];
    case 'reasoning':
    case 'thinking':
      return [{ kind: 'reasoning', text: asText(oneOf(of, 'content', 'thinking', 'text')) }];
    case 'tool_call':
    case 'tool_use':
    case 'function':
      return [callOf(of)];
    case 'tool_call_response':
    case 'tool_result':
      return [
        {
          ...{ kind: 'result', id: asText(oneOf(of, 'id', 'tool_use_id')), name: asText(oneOf(of, 'name')) },
          text: pretty(oneOf(of, 'response', 'result', 'content')),
        },
      ];
    case '': {
      const text = oneOf(of, 'content', 'text');
      return text === undefined || nested > mostNested
        ? [{ kind: 'other', type: '', text: asText(of) }]
        : partsOf(text, nested + 1);
    }
    default:
      return [{ kind: 'other', type, text: asText(of) }];
  }
}

/** A message that is an event: its parts are attributes of it, or members of its body. */
function ofEvent(name: string, told: Teller, body: unknown): Message[] {
  const role = /^gen_ai\.(system|user|assistant|tool)\.message$/.exec(name)?.[1];
  if (role === undefined && name !== 'gen_ai.choice') return [];
  const whole = parsed(told.value('gen_ai.event.content'));
  const from =
    typeof body === 'object' && body !== null ? body : typeof whole === 'object' && whole !== null ? whole : undefined;
  const of =
    from ??
    Object.fromEntries(told.keys.map((key) => [key.replace(/^gen_ai\.event\./, ''), parsed(told.value(key))] as const));
  if (role !== undefined) {
    if (typeof body === 'string' && oneOf(of, 'content') === undefined) return [messageOf({ content: body }, role)];
    return [messageOf(of, role)];
  }
  const message = messageOf(parsed(oneOf(of, 'message')) ?? of, 'assistant');
  return [{ ...message, finish: message.finish || asText(oneOf(of, 'finish_reason')) }];
}

/** Messages whose parts are attributes with numbers in their keys. */
function ofIndexed(told: Teller, pattern: RegExp, role: string): Message[] {
  const messages = new Map<number, { fields: Map<string, unknown>; calls: Map<number, Map<string, unknown>> }>();
  for (const key of told.keys) {
    const [, number, field] = pattern.exec(key) ?? [];
    if (number === undefined || field === undefined) continue;
    const at = Number(number);
    const message = messages.get(at) ?? {
      fields: new Map<string, unknown>(),
      calls: new Map<number, Map<string, unknown>>(),
    };
    messages.set(at, message);
    const [, call, part] = /^tool_calls\.(\d+)\.(?:tool_call\.)?(?:function\.)?(.+)$/.exec(field) ?? [];
    if (call === undefined || part === undefined) {
      message.fields.set(field, told.value(key));
      continue;
    }
    const known = message.calls.get(Number(call)) ?? new Map<string, unknown>();
    message.calls.set(Number(call), known.set(part, told.value(key)));
  }
  return [...messages]
    .sort(([a], [b]) => a - b)
    .map(([, { fields, calls }]) =>
      messageOf(
        {
          ...Object.fromEntries(fields),
          tool_calls: [...calls].sort(([a], [b]) => a - b).map(([, call]) => Object.fromEntries(call)),
        },
        role,
      ),
    );
}

/** The tools that a model was given. */
function toolNames(told: Teller): string[] {
  const given = parsed(told.value('gen_ai.tool.definitions') ?? told.value('llm.request.functions'));
  if (Array.isArray(given)) {
    return given.map((one) => asText(oneOf(oneOf(one, 'function') ?? one, 'name'))).filter((name) => name !== '');
  }
  return told.keys
    .filter((key) => /^llm\.request\.functions\.\d+\.name$/.test(key))
    .map((key) => told.text(key))
    .filter((name) => name !== '');
}
