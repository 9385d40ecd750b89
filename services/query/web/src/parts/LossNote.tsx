import { IconAlertTriangle } from '@tabler/icons-react';
import type { Answer } from '../api/model';
import { formatInstant, instantFromMillis } from '../time/instant';
import classes from './IncompleteNote.module.css';

/** Says so when what was accepted in the range of the answer may be lost. */
export function LossNote({ answer }: { answer: Answer<unknown> | undefined }) {
  const lost = answer?.completeness.lost;
  if (lost === undefined) return null;
  const at = (moment: Date) => formatInstant(instantFromMillis(moment.getTime()), 0);
  return (
    <p className={classes.note} role="status">
      <IconAlertTriangle size={14} />
      <span>
        The queue’s store was lost: some of what was accepted from {at(lost.from)} to {at(lost.to)} may be missing here,
        and does not come by itself.
      </span>
    </p>
  );
}
