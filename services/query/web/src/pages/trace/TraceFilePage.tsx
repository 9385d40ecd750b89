import { Button, FileButton, Select } from '@mantine/core';
import { IconFileImport } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { formatBytes, plural } from '../../parts/number';
import { Page } from '../../parts/Page';
import state from '../../parts/State.module.css';
import { shownText } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { DropHint } from './DropHint';
import { useOpenedFile, useOpenFile } from './opened';
import type { Source } from './source';
import { mostBytes, TraceFileError, tracesOfFile, type FileTrace } from './traceFile';
import classes from './TraceFilePage.module.css';
import { TraceSkeleton } from './TraceSkeleton';
import { TraceView } from './TraceView';
import { buildTree } from './tree';

/** The traces of a file that somebody opened here, in the same view as those that are kept. Nothing of it is sent. */
export function TraceFilePage() {
  const file = useOpenedFile();
  return (
    <Page
      title={file === undefined ? 'A trace from a file' : file.name}
      heading={
        <span className={classes.crumbs}>
          <Link to="/traces">Traces</Link> <span>/</span>{' '}
          {file === undefined ? 'A file' : <Text of={file.name} most={80} />}
        </span>
      }
      answer={undefined}
      range={false}
      link={false}
    >
      <DropHint />
      {file === undefined ? <Choose problem={undefined} /> : <Opened key={keyOf(file)} file={file} />}
    </Page>
  );
}

const keyOf = (file: File): string => `${file.name} ${file.size} ${file.lastModified}`;

function Opened({ file }: { file: File }) {
  const read = useQuery({
    queryKey: ['trace-file', keyOf(file)],
    queryFn: () => readFile(file),
    staleTime: Infinity,
    gcTime: 0,
    retry: false,
    structuralSharing: false,
    networkMode: 'always', // it comes from no network
  });
  if (read.error !== null) return <Choose problem={{ file, error: read.error }} />;
  if (read.data === undefined) return <TraceSkeleton />;
  return <Traces file={file} {...read.data} />;
}

async function readFile(file: File): Promise<{ text: string; traces: readonly FileTrace[] }> {
  if (file.size > mostBytes) {
    throw new TraceFileError(
      `It has ${formatBytes(file.size)}; more than ${formatBytes(mostBytes)} are not read here.`,
    );
  }
  const text = await file.text();
  return { text, traces: tracesOfFile(text) };
}

function Traces({ file, text, traces }: { file: File; text: string; traces: readonly FileTrace[] }) {
  const [chosen, setChosen] = useState(0);
  const trace = traces[chosen] ?? traces[0]!;
  const tree = useMemo(() => buildTree(trace.spans), [trace]);
  const source: Source = { kind: 'file', traceId: trace.traceId, name: file.name, text };
  const [root] = tree.roots;
  if (root === undefined) return null; // A trace of a file has spans.
  return (
    <>
      {traces.length > 1 && (
        <div className={classes.choice}>
          <Select
            size="xs"
            w={420}
            aria-label="Trace of the file"
            allowDeselect={false}
            value={String(chosen)}
            onChange={(next) => setChosen(Number(next ?? 0))}
            data={traces.map(({ traceId, spans }, i) => ({
              value: String(i),
              label: `${traceId === '' ? 'without an ID' : traceId} · ${plural(spans.length, 'span')}`,
            }))}
          />
          <span>{plural(traces.length, 'trace')} in the file</span>
        </div>
      )}
      <TraceView key={trace.traceId} source={source} tree={tree} root={root} />
    </>
  );
}

/** Asks for a file, and says what was wrong with the one before. */
function Choose({ problem }: { problem: { file: File; error: Error } | undefined }) {
  const open = useOpenFile();
  return (
    <div className={state.state} role={problem === undefined ? undefined : 'alert'}>
      <div className={state.icon} data-tone={problem === undefined ? undefined : 'error'}>
        <IconFileImport size={26} stroke={1.6} />
      </div>
      {problem === undefined ? (
        <>
          <h2>Open a trace from a file</h2>
          <p>
            Drop a file here, or choose one: OTLP JSON (one object, or one a line) or Jaeger JSON. It is read in this
            browser; nothing of it is sent.
          </p>
        </>
      ) : (
        <>
          <h2>
            <Text of={problem.file.name} most={80} /> cannot be read
          </h2>
          <p>
            <bdi>{shownText(problem.error.message, 400)}</bdi>
          </p>
        </>
      )}
      <FileButton onChange={(file) => file !== null && open(file)} accept=".json,.jsonl,.ndjson,application/json">
        {(props) => (
          <Button size="xs" {...props}>
            Choose a file
          </Button>
        )}
      </FileButton>
    </div>
  );
}
