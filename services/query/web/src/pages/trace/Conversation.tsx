import { useMemo } from 'react';
import type { LogRecord, Span } from '../../api/model';
import { Copy } from '../../parts/Copy';
import { formatNumber } from '../../parts/number';
import { label, shownText } from '../../parts/shown';
import { LongText, Text } from '../../parts/Text';
import classes from './Conversation.module.css';
import { genAIOf, type GenAI, type Message, type MessagePart } from './genai';

/** What was said in a call of a language model, by whom, and what it took. */
export function Conversation({ span, logs }: { span: Span; logs: readonly LogRecord[] | undefined }) {
  const told = useMemo(() => genAIOf(span, logs), [span, logs]);
  if (told === undefined) return null;
  return (
    <div className={classes.conversation}>
      <Figures of={told} />
      {told.tools.length > 0 && (
        <p className={classes.tools}>
          Tools it may call:{' '}
          {told.tools.map((name, i) => (
            <code key={`${i} ${name}`}>
              <Text of={name} most={60} />
            </code>
          ))}
        </p>
      )}
      {told.tool !== undefined && (
        <section className={classes.message} data-role="tool">
          <h3>
            tool <Text of={told.tool.name} most={80} />
          </h3>
          <Block name="Arguments" text={told.tool.args} />
          <Block name="Result" text={told.tool.result} />
        </section>
      )}
      {told.messages.map((message, i) => (
        <MessageView key={i} message={message} />
      ))}
      {told.messages.length === 0 && told.tool === undefined && (
        <p className={classes.none}>
          The span holds no messages: most instrumentations leave them out unless told to record them.
        </p>
      )}
    </div>
  );
}

function Figures({ of }: { of: GenAI }) {
  const { tokens } = of;
  const total =
    tokens.total ??
    (tokens.input === undefined || tokens.output === undefined ? undefined : tokens.input + tokens.output);
  const count = (n: number | undefined) => (n === undefined ? '' : n.toLocaleString('en-US'));
  const model =
    of.responseModel === '' || of.responseModel === of.requestModel
      ? of.requestModel || of.responseModel
      : of.requestModel === ''
        ? of.responseModel
        : `${of.requestModel} → ${of.responseModel}`;
  const facts: readonly (readonly [name: string, text: string])[] = [
    ['Operation', of.operation],
    ['Model', model],
    ['Provider', of.provider],
    ['Agent', of.agent],
    ['Tokens in', count(tokens.input) + (tokens.cached === undefined ? '' : ` (${count(tokens.cached)} cached)`)],
    ['Tokens out', count(tokens.output)],
    ['Tokens', count(total)],
    // In whose money is not told by any convention.
    ['Cost, as sent', of.cost === undefined ? '' : formatNumber(of.cost)],
    ['Conversation', of.conversation],
  ];
  return (
    <dl className={classes.figures}>
      {facts
        .filter(([, text]) => text.trim() !== '')
        .map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Text of={text} most={120} />
            </dd>
          </div>
        ))}
    </dl>
  );
}

function MessageView({ message }: { message: Message }) {
  return (
    <section className={classes.message} data-role={message.role} aria-label={`Message of ${label(message.role)}`}>
      <h3>
        <Text of={message.role} most={40} />
        {message.finish !== '' && (
          <small>
            ended by <Text of={message.finish} most={40} />
          </small>
        )}
      </h3>
      {message.parts.map((part, i) => (
        <PartView key={i} part={part} />
      ))}
    </section>
  );
}

function PartView({ part }: { part: MessagePart }) {
  switch (part.kind) {
    case 'text':
      return (
        <div className={classes.text}>
          <LongText of={part.text} lines={14} />
        </div>
      );
    case 'reasoning':
      return (
        <details className={classes.reasoning}>
          <summary>Reasoning</summary>
          <LongText of={part.text} lines={30} />
        </details>
      );
    case 'call':
      return <Block name={`Calls ${part.name === '' ? 'a tool' : shownText(part.name, 80)}`} text={part.args} />;
    case 'result':
      return <Block name={part.name === '' ? 'Result' : `Result of ${shownText(part.name, 80)}`} text={part.text} />;
    case 'other':
      return <Block name={part.type === '' ? 'Other' : shownText(part.type, 40)} text={part.text} />;
  }
}

function Block({ name, text }: { name: string; text: string }) {
  return (
    <div className={classes.block}>
      <b>
        <bdi>{name}</bdi>
      </b>
      {text !== '' && (
        <>
          <pre tabIndex={0} aria-label={name}>
            <LongText of={text} lines={12} />
          </pre>
          <Copy text={text} label="Copy" />
        </>
      )}
    </div>
  );
}
