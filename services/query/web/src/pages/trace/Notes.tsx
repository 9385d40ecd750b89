import { IconAlertTriangle } from '@tabler/icons-react';
import { useMemo, type ReactNode } from 'react';
import { plural } from '../../parts/number';
import { formatDuration } from '../../time/duration';
import { clockShift } from './analysis';
import classes from './Notes.module.css';
import type { Facts, Node } from './tree';

/** What is not as it should be with the spans of a trace, in words; each leads from one of these spans to the next. */
export function Notes({ facts, onNext }: { facts: Facts; onNext: (among: readonly Node[]) => void }) {
  const { orphans, early, cut, rootMissing } = facts;
  const shift = useMemo(() => early.reduce((most, node) => Math.max(most, Math.abs(clockShift(node))), 0), [early]);
  const notes: ReactNode[] = [];
  const note = (key: string, among: readonly Node[], text: string) => {
    if (among.length === 0) return;
    notes.push(
      <button key={key} type="button" onClick={() => onNext(among)} title="Go to the next of them">
        {text}
      </button>,
    );
  };
  if (rootMissing) notes.push(<span key="root">No root: the span that began it was not sent, or is not here yet</span>);
  note('orphans', orphans, `${plural(orphans.length, 'span')} whose parent is missing`);
  note(
    'early',
    early,
    shift === 0
      ? `${plural(early.length, 'span')} that ${early.length === 1 ? 'begins' : 'begin'} before ${early.length === 1 ? 'its parent' : 'their parents'}`
      : `Clocks differ by ${formatDuration(shift)} or so: ${plural(early.length, 'span')} before ${early.length === 1 ? 'its parent' : 'their parents'}`,
  );
  note('cut', cut, `${plural(cut.length, 'loop')} of parents, cut`);
  if (notes.length === 0) return null;
  return (
    <p className={classes.notes} role="note">
      <IconAlertTriangle size={13} aria-hidden />
      {notes}
    </p>
  );
}
