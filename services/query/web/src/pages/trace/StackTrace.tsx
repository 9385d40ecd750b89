import { useMemo, useState } from 'react';
import { Copy } from '../../parts/Copy';
import { plural } from '../../parts/number';
import { shownText } from '../../parts/shown';
import { stackParts, type StackPart } from './stack';
import classes from './StackTrace.module.css';

/** A stack trace: the frames of the program stand out, runs of those of libraries are folded. */
export function StackTrace({ text }: { text: string }) {
  const parts = useMemo(() => stackParts(text), [text]);
  return (
    <div className={classes.stack}>
      <pre tabIndex={0} aria-label="Stack trace">
        {parts.map((part, i) =>
          part.kind === 'library' ? <Folded key={i} part={part} /> : <Lines key={i} part={part} />,
        )}
      </pre>
      <Copy text={text} label="Copy stack trace" />
    </div>
  );
}

const Lines = ({ part }: { part: StackPart }) => (
  <bdi className={classes.lines} data-kind={part.kind}>
    {shownText(part.lines.join('\n'))}
    {'\n'}
  </bdi>
);

function Folded({ part }: { part: StackPart }) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className={classes.fold} aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? 'Hide' : '⋯'} {plural(part.frames, 'frame')} of libraries
      </button>
      {open && <Lines part={part} />}
    </>
  );
}
