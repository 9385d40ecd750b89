import { Button, Checkbox, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef, useState, type FormEvent } from 'react';
import { compareTraces } from '../../api/endpoints';
import type { ComparedSpans, TraceComparison } from '../../api/model';
import { Outcome } from '../../parts/Outcome';
import { plural } from '../../parts/number';
import { Service } from '../../parts/Service';
import { hint } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { formatDuration } from '../../time/duration';
import { useAddress } from './address';
import { changeOf, differs, lengthOf, traceIdIn } from './comparing';
import classes from './Compare.module.css';
import { TraceSkeleton } from './TraceSkeleton';

/** This trace (A) beside another one (B): what both have, what one of them has, and how much longer each part took. */
export function Compare({ traceId }: { traceId: string }) {
  const { address } = useAddress();
  return (
    <div className={classes.compare}>
      <Choose key={address.with} traceId={traceId} />
      {address.with !== undefined && <Compared a={traceId} b={address.with} />}
    </div>
  );
}

function Choose({ traceId }: { traceId: string }) {
  const { address, change } = useAddress();
  const [text, setText] = useState(address.with ?? '');
  const id = traceIdIn(text);
  const problem =
    text.trim() === '' || id !== undefined
      ? id === traceId
        ? 'This is the same trace'
        : undefined
      : 'No trace ID in it';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (id !== undefined && problem === undefined) change({ with: id });
  };
  return (
    <form className={classes.choose} onSubmit={submit}>
      <TextInput
        size="xs"
        w={330}
        aria-label="Trace to compare with"
        placeholder="ID or address of another trace"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        error={problem}
      />
      <Button size="xs" type="submit" disabled={id === undefined || problem !== undefined}>
        Compare
      </Button>
      {address.with === undefined && (
        <span>Spans are aligned by where they hang, their service and their name; A is this trace.</span>
      )}
    </form>
  );
}

function Compared({ a, b }: { a: string; b: string }) {
  const query = useQuery({
    queryKey: ['trace-comparison', a, b],
    queryFn: ({ signal }) => compareTraces(a, b, signal),
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const { data, error } = query;
  return (
    <Outcome
      of={{ data: data?.data, answer: data, error, retry: () => void query.refetch() }}
      loading={<TraceSkeleton />}
      nothing={null}
    >
      {(comparison) => <Aligned of={comparison} />}
    </Outcome>
  );
}

const rowHeight = 28;

function Aligned({ of }: { of: TraceComparison }) {
  const [onlyDifferent, setOnlyDifferent] = useState(false);
  const rows = useMemo(() => (onlyDifferent ? of.spans.filter(differs) : of.spans), [of, onlyDifferent]);
  const length = useMemo(() => lengthOf(of.spans), [of]);
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 16,
  });
  return (
    <>
      <div className={classes.facts}>
        <span>
          <b data-side="a">A</b> this trace
        </span>
        <span>
          <b data-side="b">B</b>{' '}
          <Link to="/traces/$traceId" params={{ traceId: of.b }}>
            <code>{of.b}</code>
          </Link>
        </span>
        <span>{plural(of.inBoth, 'span')} in both</span>
        <span>{of.onlyA.toLocaleString('en-US')} only in A</span>
        <span>{of.onlyB.toLocaleString('en-US')} only in B</span>
        <Checkbox
          size="xs"
          label="Only what differs"
          checked={onlyDifferent}
          onChange={(event) => setOnlyDifferent(event.currentTarget.checked)}
        />
      </div>
      <div
        ref={scroller}
        className={classes.scroller}
        role="table"
        aria-label="Both traces"
        aria-rowcount={rows.length + 1}
      >
        <div className={`${classes.row} ${classes.head}`} role="row">
          {['Span', 'A and B from the start of their roots', 'A', 'B', 'B − A'].map((name, i) => (
            <span key={name} role="columnheader" data-number={i > 1 || undefined}>
              {name}
            </span>
          ))}
        </div>
        {rows.length === 0 && <p className={classes.none}>Nothing differs.</p>}
        <div className={classes.body} style={{ height: virtual.getTotalSize() }} role="rowgroup">
          {virtual.getVirtualItems().map((item) => {
            const pair = rows[item.index];
            return pair && <Row key={item.key} pair={pair} length={length} top={item.start} at={item.index} />;
          })}
        </div>
      </div>
    </>
  );
}

function Row({ pair, length, top, at }: { pair: ComparedSpans; length: number; top: number; at: number }) {
  const { a, b } = pair;
  const change = changeOf(pair);
  const bar = (side: 'a' | 'b') => {
    const span = pair[side];
    if (span === undefined) return null;
    const style = {
      left: `${Math.min(Math.max((span.offset / length) * 100, 0), 100)}%`,
      width: `${(span.duration / length) * 100}%`,
    };
    return <i data-side={side} data-error={span.status === 'error' || undefined} style={style} />;
  };
  return (
    <div
      className={classes.row}
      role="row"
      aria-rowindex={at + 2}
      data-only={a === undefined ? 'b' : b === undefined ? 'a' : undefined}
      style={{ transform: `translateY(${top}px)` }}
    >
      <span
        role="cell"
        className={classes.name}
        style={{ paddingLeft: Math.min(pair.depth * 12, 200) }}
        title={hint(pair.name)}
      >
        <Service name={pair.service} dim />
        <b>
          <Text of={pair.name} empty="no span name" />
        </b>
        {a === undefined && <small>only in B</small>}
        {b === undefined && <small>only in A</small>}
      </span>
      <span role="cell" className={classes.bars} aria-hidden>
        {bar('a')}
        {bar('b')}
      </span>
      {[a, b].map((span, i) => (
        <span key={i} role="cell" data-number data-error={span?.status === 'error' || undefined}>
          {span === undefined ? '–' : formatDuration(span.duration)}
        </span>
      ))}
      <span role="cell" data-number data-more={change !== undefined && change > 0 ? true : undefined}>
        {change === undefined ? '' : change === 0 ? '0 ms' : `${change > 0 ? '+' : ''}${formatDuration(change)}`}
      </span>
    </div>
  );
}
