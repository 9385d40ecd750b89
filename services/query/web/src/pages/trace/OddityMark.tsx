import { Tooltip } from '@mantine/core';
import { IconClockExclamation, IconUnlink } from '@tabler/icons-react';
import { formatDuration } from '../../time/duration';
import { clockShift } from './analysis';
import classes from './OddityMark.module.css';
import type { Node, Oddity } from './tree';

const oddities: Readonly<Record<Oddity, { short: string; long: string }>> = {
  'missing-parent': {
    short: 'parent missing',
    long: 'Its parent is not among the spans: not sent, not sampled, or not here yet',
  },
  cycle: { short: 'loop', long: 'It is its own ancestor; the loop is cut here' },
  'before-parent': {
    short: 'before its parent',
    long: 'It begins before its parent: the clocks of the two hosts differ',
  },
};

/** What is odd about the place of a span, in words. */
export function OddityMark({ node, oddity }: { node: Node; oddity: Oddity }) {
  const { short, long } = oddities[oddity];
  const shift = clockShift(node);
  const told = shift === 0 ? '' : `, by ${formatDuration(Math.abs(shift))} or so`;
  return (
    <Tooltip label={long + told}>
      <span className={classes.oddity}>
        {oddity === 'before-parent' ? (
          <IconClockExclamation size={12} aria-hidden />
        ) : (
          <IconUnlink size={12} aria-hidden />
        )}
        {short}
      </span>
    </Tooltip>
  );
}
