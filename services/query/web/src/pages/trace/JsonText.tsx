import { Button, CopyButton } from '@mantine/core';
import { IconCheck, IconCopy, IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import { getTraceText, traceFile } from '../../api/endpoints';
import { formatBytes } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { shownText } from '../../parts/shown';
import { linesOf } from './jsonLines';
import classes from './JsonText.module.css';
import type { Source } from './source';
import { TraceSkeleton } from './TraceSkeleton';

/** A trace as OTLP/JSON, as it was sent. */
export function JsonText({ source }: { source: Source }) {
  return source.kind === 'file' ? <Shown source={source} text={source.text} /> : <Stored source={source} />;
}

function Stored({ source }: { source: Source }) {
  const query = useQuery({
    queryKey: ['trace-text', source.traceId],
    queryFn: ({ signal }) => getTraceText(source.traceId, signal),
    staleTime: Infinity,
    gcTime: 0, // it may be tens of megabytes
  });
  const { data, error } = query;
  return (
    <Outcome
      of={{ data: data?.data, answer: data, error, retry: () => void query.refetch() }}
      loading={<TraceSkeleton />}
      nothing={null}
    >
      {(text) => <Shown source={source} text={text} />}
    </Outcome>
  );
}

const lineHeight = 18;

function Shown({ source, text }: { source: Source; text: string }) {
  const { lines, cut } = useMemo(() => linesOf(text), [text]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 30,
  });
  return (
    <div className={classes.json}>
      <div className={classes.bar}>
        <CopyButton value={text} timeout={1500}>
          {({ copied, copy }) => (
            <Button
              size="compact-xs"
              variant="default"
              leftSection={copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
              onClick={copy}
            >
              {copied ? 'Copied' : 'Copy JSON'}
            </Button>
          )}
        </CopyButton>
        {source.kind === 'stored' && (
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconDownload size={13} />}
            component="a"
            href={traceFile(source.traceId)}
            download={`trace-${source.traceId}.json`}
          >
            Download
          </Button>
        )}
        <span>
          {source.kind === 'file' ? 'The file as it is' : 'OTLP/JSON, as it was sent'}, {formatBytes(text.length)}
          {cut > 0 &&
            `; shown is what it begins with, ${formatBytes(cut)} more are in the ${source.kind === 'file' ? 'file' : 'download'}`}
        </span>
      </div>
      <div ref={scroller} className={classes.scroller} tabIndex={0} role="region" aria-label="JSON of the trace">
        <div className={classes.body} style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map((item) => (
            <pre key={item.key} style={{ transform: `translateY(${item.start}px)` }}>
              <i aria-hidden>{item.index + 1}</i>
              <bdi>{shownText(lines[item.index] ?? '', longest)}</bdi>
            </pre>
          ))}
        </div>
      </div>
    </div>
  );
}

/** Most characters of a line that are shown. */
const longest = 2_000;
