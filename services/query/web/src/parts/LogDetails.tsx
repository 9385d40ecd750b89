import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconArrowsVertical, IconCheck, IconCopy } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { Attribute, LogRecord, Value } from '../api/model';
import { formatInstant, formatUTC } from '../time/instant';
import { Attributes } from './Attributes';
import { Copy } from './Copy';
import { jsonValue } from './jsonValue';
import { LogContext } from './LogContext';
import classes from './LogDetails.module.css';
import { logJSON } from './logJSON';
import { Marked } from './Marked';
import { room } from './shown';
import { LongText, Text } from './Text';
import type { InTrace } from './logColumns';
import { valueBlock } from './value';
import { ValueTree } from './ValueTree';

interface Props {
  record: LogRecord;
  inTrace: InTrace | undefined;
  /** What is marked in its body. */
  marks?: RegExp | undefined;
}

/** All that is known of a log record, below its line. */
export function LogDetails({ record, inTrace, marks }: Props) {
  const [around, setAround] = useState(false);
  return (
    <div className={classes.details}>
      <Body body={record.body} marks={marks} />
      <div className={classes.actions}>
        <Button
          size="compact-xs"
          variant="default"
          aria-expanded={around}
          leftSection={<IconArrowsVertical size={13} />}
          onClick={() => setAround(!around)}
        >
          {around ? 'Hide what surrounds it' : 'Lines before and after'}
        </Button>
        <CopyJSON record={record} />
      </div>
      {around && <LogContext record={record} marks={marks} />}
      <div className={classes.groups}>
        <section>
          <h3>Record</h3>
          <dl>
            <dt>Time</dt>
            <dd>
              {formatInstant(record.time, 9)}
              <Copy text={formatUTC(record.time)} label="Copy in UTC" />
            </dd>
            {record.observedTime !== 0n && record.observedTime !== record.time && (
              <>
                <dt>Observed</dt>
                <dd>{formatInstant(record.observedTime, 9)}</dd>
              </>
            )}
            <dt>Severity</dt>
            <dd>
              {record.severityText === '' ? '–' : <Text of={record.severityText} most={room.label} />} (
              {record.severityNumber}
              {record.severityDerived && ', by its text'})
            </dd>
            {record.eventName !== '' && (
              <>
                <dt>Event</dt>
                <dd>
                  <LongText of={record.eventName} lines={3} />
                </dd>
              </>
            )}
            {record.traceId !== '' && (
              <>
                <dt>Trace</dt>
                <dd>
                  {inTrace === undefined ? (
                    <Link
                      to="/traces/$traceId"
                      params={{ traceId: record.traceId }}
                      search={record.spanId === '' ? {} : { span: record.spanId }}
                    >
                      <code>{record.traceId}</code>
                    </Link>
                  ) : (
                    <code>{record.traceId}</code>
                  )}
                  <Copy text={record.traceId} label="Copy trace ID" />
                </dd>
              </>
            )}
            {record.spanId !== '' && (
              <>
                <dt>Span</dt>
                <dd>
                  <code>{record.spanId}</code>
                  <Copy text={record.spanId} label="Copy span ID" />
                </dd>
              </>
            )}
          </dl>
          <h3>Attributes</h3>
          <Attributes
            attributes={record.attributes}
            dropped={record.droppedAttributes}
            find={{ signal: 'logs', prefix: 'attributes.' }}
          />
        </section>
        <section>
          <h3>Resource</h3>
          <Attributes
            attributes={record.resource.attributes}
            dropped={record.resource.droppedAttributes}
            find={{ signal: 'logs', prefix: 'resource.' }}
          />
          {(record.scope.name !== '' || record.scope.attributes.length > 0) && (
            <>
              <h3>Scope</h3>
              <Attributes attributes={scopeAttributes(record)} dropped={record.scope.droppedAttributes} />
            </>
          )}
        </section>
      </div>
    </div>
  );
}

/** Most characters of a text that are looked through for marks; all of it is shown. */
const mostMarked = 100_000;

/** A tree where it has members, also where they are written as a text; as it came everywhere else. */
function Body({ body, marks }: { body: Value; marks: RegExp | undefined }) {
  const tree = useMemo(
    () =>
      body.type === 'string' ? jsonValue(body.value) : body.type === 'map' || body.type === 'array' ? body : undefined,
    [body],
  );
  const text = body.type === 'string' ? body.value : valueBlock(body);
  if (text === '') return null;
  return (
    <div className={classes.block}>
      {tree !== undefined ? (
        <ValueTree value={tree} marks={marks} />
      ) : (
        <pre tabIndex={0} aria-label="Body">
          <Marked of={text} most={Infinity} marks={text.length > mostMarked ? undefined : marks} />
        </pre>
      )}
      <Copy text={text} label="Copy body" />
    </div>
  );
}

/** Made when it is asked for: a record may be large. */
function CopyJSON({ record }: { record: LogRecord }) {
  const clipboard = useClipboard({ timeout: 1_500 });
  return (
    <Button
      size="compact-xs"
      variant="default"
      leftSection={clipboard.copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
      onClick={() => clipboard.copy(logJSON(record))}
    >
      {clipboard.copied ? 'Copied' : 'Copy as JSON'}
    </Button>
  );
}

function scopeAttributes({ scope }: LogRecord): Attribute[] {
  const text = (key: string, value: string): Attribute[] =>
    value === '' ? [] : [{ key, value: { type: 'string', value } }];
  return [...text('scope.name', scope.name), ...text('scope.version', scope.version), ...scope.attributes];
}
