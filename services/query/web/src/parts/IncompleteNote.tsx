import { IconScissors } from '@tabler/icons-react';
import type { Answer } from '../api/model';
import classes from './IncompleteNote.module.css';

/** Says so when the server cut the answer. */
export function IncompleteNote({ answer }: { answer: Answer<unknown> | undefined }) {
  if (answer?.incomplete === undefined) return null;
  return (
    <p className={classes.note} role="status">
      <IconScissors size={14} />
      <span>
        This answer was cut: {answer.incomplete}. What is shown is right, but more may exist. A shorter time range or
        more filters help.
      </span>
    </p>
  );
}
