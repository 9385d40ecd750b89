import { VisuallyHidden } from '@mantine/core';
import { changeOf, changeSaid, changeText, leastRequests } from './changes';
import classes from './Change.module.css';

interface Props {
  now: number;
  before: number;
  /** In each of the two periods. */
  requests: readonly [now: number, before: number];
  /** How bad it is that there is more of it. */
  more?: 'slower' | 'failing';
  /** What it was, as text. */
  was: string;
}

/** How a figure changed since the period before; nothing where it did not, or that is chance. */
export function Change({ now, before, requests, more, was }: Props) {
  const change = requests.every((n) => n >= leastRequests) ? changeOf(now, before) : undefined;
  if (change === undefined) return null;
  return (
    <span
      className={classes.change}
      data-tone={change > 0 ? more : undefined}
      title={`${was} in the period before, which is as long`}
    >
      <span aria-hidden>{changeText(change)}</span>
      <VisuallyHidden>{changeSaid(change)}</VisuallyHidden>
    </span>
  );
}
