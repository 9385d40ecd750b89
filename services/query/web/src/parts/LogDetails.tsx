import { Link } from '@tanstack/react-router';
import type { Attribute, LogRecord } from '../api/model';
import { formatInstant, formatUTC } from '../time/instant';
import { Attributes } from './Attributes';
import { Copy } from './Copy';
import classes from './LogDetails.module.css';
import { room, shownText } from './shown';
import { LongText, Text } from './Text';
import type { InTrace } from './logColumns';
import { valueBlock } from './value';

/** All that is known of a log record, below its line. */
export function LogDetails({ record, inTrace }: { record: LogRecord; inTrace: InTrace | undefined }) {
  const body = valueBlock(record.body);
  return (
    <div className={classes.details}>
      {body !== '' && (
        <div className={classes.block}>
          <pre tabIndex={0} aria-label="Body">
            <bdi>{shownText(body)}</bdi>
          </pre>
          <Copy text={body} label="Copy body" />
        </div>
      )}
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

function scopeAttributes({ scope }: LogRecord): Attribute[] {
  const text = (key: string, value: string): Attribute[] =>
    value === '' ? [] : [{ key, value: { type: 'string', value } }];
  return [...text('scope.name', scope.name), ...text('scope.version', scope.version), ...scope.attributes];
}
