import { describe, expect, it } from 'vitest';
import type { Attribute, Span } from '../../api/model';
import { span } from './example';
import { genAIOf, isGenAI } from './genai';

const a = (key: string, value: string | number): Attribute => ({
  key,
  value: typeof value === 'number' ? { type: 'int', value: BigInt(value) } : { type: 'string', value },
});
const of = (attributes: Attribute[], rest: Partial<Span> = {}) => genAIOf(span('x', '', 0, 1, { attributes, ...rest }));
const event = (name: string, ...attributes: Attribute[]) => ({ name, attributes, time: 0n, droppedAttributes: 0 });
const said = (told: ReturnType<typeof of>) =>
  told?.messages.map(
    ({ role, parts }) =>
      `${role}: ${parts.map((p) => (p.kind === 'call' ? `${p.name}(${p.args})` : p.text)).join(' ')}`,
  );

const conversation = ['system: Be kind.', 'user: Hello', 'assistant: find({\n  "q": 1\n})', 'tool: none'];

describe('a conversation is told', () => {
  it('by structured attributes', () => {
    const told = of([
      ...[a('gen_ai.operation.name', 'chat'), a('gen_ai.provider.name', 'openai'), a('gen_ai.request.model', 'm')],
      ...[a('gen_ai.usage.input_tokens', 12), a('gen_ai.usage.output_tokens', 3), a('gen_ai.usage.cost', '0.25')],
      a('gen_ai.system_instructions', '[{"type":"text","content":"Be kind."}]'),
      a('gen_ai.input.messages', '[{"role":"user","parts":[{"type":"text","content":"Hello"}]}]'),
      a(
        'gen_ai.output.messages',
        '[{"role":"assistant","parts":[{"type":"tool_call","id":"1","name":"find","arguments":{"q":1}}],"finish_reason":"tool_call"},' +
          '{"role":"tool","parts":[{"type":"tool_call_response","id":"1","response":"none"}]}]',
      ),
    ]);
    expect(said(told)).toEqual(conversation);
    expect(told).toMatchObject({
      ...{ operation: 'chat', provider: 'openai', requestModel: 'm', cost: 0.25 },
      tokens: { input: 12, output: 3, total: undefined, cached: undefined },
    });
    expect(told?.messages[2]?.finish).toBe('tool_call');
  });

  it('by events of before', () => {
    const told = of([a('gen_ai.system', 'openai')], {
      events: [
        event('gen_ai.system.message', a('content', 'Be kind.')),
        event('gen_ai.user.message', a('gen_ai.event.content', '{"content":"Hello"}')),
        event(
          'gen_ai.choice',
          a('finish_reason', 'stop'),
          a(
            'message',
            '{"role":"assistant","tool_calls":[{"id":"1","function":{"name":"find","arguments":"{\\"q\\":1}"}}]}',
          ),
        ),
        event('gen_ai.tool.message', a('content', 'none'), a('id', '1')),
      ],
    });
    expect(said(told)).toEqual(conversation);
    expect(told?.messages[2]?.finish).toBe('stop');
    expect(told?.messages[3]?.parts[0]).toMatchObject({ kind: 'result', id: '1' });
  });

  it('by numbered attributes', () => {
    const told = of([
      ...[a('gen_ai.prompt.0.role', 'system'), a('gen_ai.prompt.0.content', 'Be kind.')],
      ...[a('gen_ai.prompt.1.role', 'user'), a('gen_ai.prompt.1.content', 'Hello')],
      ...[a('gen_ai.completion.0.role', 'assistant'), a('gen_ai.completion.0.tool_calls.0.name', 'find')],
      a('gen_ai.completion.0.tool_calls.0.arguments', '{"q":1}'),
      a('gen_ai.usage.prompt_tokens', 7),
    ]);
    expect(said(told)).toEqual(conversation.slice(0, 3));
    expect(told?.tokens.input).toBe(7);
  });

  it('by OpenInference', () => {
    const told = of([
      ...[a('openinference.span.kind', 'LLM'), a('llm.model_name', 'm'), a('llm.token_count.total', 9)],
      ...[a('llm.input_messages.0.message.role', 'user'), a('llm.input_messages.0.message.content', 'Hello')],
      ...[
        a('llm.output_messages.0.message.role', 'assistant'),
        a('llm.output_messages.0.message.tool_calls.0.tool_call.function.name', 'find'),
      ],
      a('llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments', '{"q":1}'),
    ]);
    expect(said(told)).toEqual(conversation.slice(1, 3));
    expect(told).toMatchObject({ requestModel: 'm', tokens: { total: 9 } });
  });

  it('of a tool by what it was given and gave', () => {
    expect(
      of([a('gen_ai.tool.name', 'find'), a('gen_ai.tool.call.arguments', '{}'), a('gen_ai.tool.call.result', '[]')])
        ?.tool,
    ).toEqual({
      ...{ name: 'find', id: '', args: '{}', result: '[]' },
    });
  });

  it('of nothing else, and not wrongly of what cannot be read', () => {
    expect(isGenAI(span('x', '', 0, 1, { attributes: [a('http.route', '/llm.')] }))).toBe(false);
    expect(of([a('http.route', '/')])).toBeUndefined();
    expect(said(of([a('gen_ai.input.messages', '[{"role":"user","parts":[{'), a('gen_ai.system', 'x')]))).toEqual([
      'user: [{"role":"user","parts":[{',
    ]);
    expect(said(of([a('gen_ai.input.messages', '[{"__proto__":{"role":"x"},"content":"y"},7,null]')]))).toEqual([
      'user: y',
      'user: 7',
    ]);
  });
});

it('shows what is nested without an end', () => {
  const deep = (open: string, close: string, n: number) => open.repeat(n) + '1' + close.repeat(n);
  for (const messages of [
    `[{"role":"a","content":${deep('{"content":', '}', 5_000)}}]`,
    `[{"role":"a","tool_calls":[{"function":{"name":"f","arguments":${deep('[', ']', 50_000)}}}]}]`,
  ]) {
    expect(() => of([a('gen_ai.operation.name', 'chat'), a('gen_ai.output.messages', messages)])).not.toThrow();
  }
});
