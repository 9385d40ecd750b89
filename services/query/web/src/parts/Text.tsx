import { useState } from 'react';
import { isLong, room, shownText } from './shown';
import classes from './Text.module.css';

interface Props {
  of: string;
  /** Most characters. */
  most?: number;
  /** What it is called where it is empty. */
  empty?: string;
}

/** A text of the data, in one line: isolated from what stands beside it, with nothing of it hidden, and of bounded length. */
export function Text({ of, most = room.line, empty = 'empty' }: Props) {
  if (of.trim() === '') return <i className={classes.empty}>{of === '' ? empty : 'blank'}</i>;
  return <bdi>{shownText(of, most)}</bdi>;
}

/** A text of the data that may take some lines; a longer one opens. Keyed by what it is of, where that changes. */
export function LongText({ of, lines, empty = 'empty' }: { of: string; lines: number; empty?: string }) {
  const [open, setOpen] = useState(false);
  if (of.trim() === '') return <Text of={of} empty={empty} />;
  if (!isLong(of, lines)) return <bdi className={classes.long}>{shownText(of)}</bdi>;
  return (
    <span className={classes.folding}>
      <bdi className={open ? classes.long : classes.clamped} style={{ '--lines': lines } as React.CSSProperties}>
        {open ? shownText(of) : shownText(of, lines * 200)}
      </bdi>
      <button
        type="button"
        className={classes.more}
        aria-expanded={open}
        onClick={(event) => {
          event.stopPropagation();
          setOpen(!open);
        }}
      >
        {open ? 'Show less' : `Show all ${of.length.toLocaleString('en-US')} characters`}
      </button>
    </span>
  );
}
