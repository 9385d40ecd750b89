import { ActionIcon, Button, TextInput, Tooltip } from '@mantine/core';
import {
  IconAlertCircleFilled,
  IconArrowsMaximize,
  IconChevronDown,
  IconChevronUp,
  IconFold,
  IconSearch,
} from '@tabler/icons-react';
import type { Finding } from './finding';
import classes from './Tools.module.css';

interface Props {
  /** Shows all of the trace again; undefined while it is shown. */
  onWhole: (() => void) | undefined;
  /** Undefined where there is no error. */
  onNextError: (() => void) | undefined;
  anyFolded: boolean;
  /** Undefined where there is nothing to fold. */
  onFoldAll: (() => void) | undefined;
  finding: Finding;
  onStep: (by: 1 | -1) => void;
}

/** What can be done with the waterfall as a whole. */
export function Tools({ onWhole, onNextError, anyFolded, onFoldAll, finding, onStep }: Props) {
  return (
    <div className={classes.tools}>
      {onWhole !== undefined && (
        <Button size="compact-xs" variant="light" leftSection={<IconArrowsMaximize size={12} />} onClick={onWhole}>
          Whole trace
        </Button>
      )}
      {onNextError !== undefined && (
        <Button
          size="compact-xs"
          variant="subtle"
          color="red"
          leftSection={<IconAlertCircleFilled size={12} />}
          onClick={onNextError}
        >
          Next error
        </Button>
      )}
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        leftSection={<IconFold size={13} />}
        disabled={onFoldAll === undefined}
        onClick={onFoldAll}
      >
        {anyFolded ? 'Expand all' : 'Collapse all'}
      </Button>
      <Find finding={finding} onStep={onStep} />
    </div>
  );
}

function Find({ finding: { text, setText, found }, onStep }: Pick<Props, 'finding' | 'onStep'>) {
  return (
    <form
      className={classes.search}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onStep(1);
      }}
    >
      <TextInput
        size="xs"
        aria-label="Find spans"
        placeholder="Find in this trace"
        leftSection={<IconSearch size={13} />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        rightSectionWidth={found === undefined ? 10 : 92}
        rightSection={
          found !== undefined && (
            <span className={classes.found}>
              {found.length}
              <Tooltip label="Previous">
                <ActionIcon
                  size={18}
                  variant="subtle"
                  color="gray"
                  aria-label="Previous match"
                  onClick={() => onStep(-1)}
                >
                  <IconChevronUp size={13} />
                </ActionIcon>
              </Tooltip>
              <Tooltip label="Next (Enter)">
                <ActionIcon size={18} variant="subtle" color="gray" aria-label="Next match" onClick={() => onStep(1)}>
                  <IconChevronDown size={13} />
                </ActionIcon>
              </Tooltip>
            </span>
          )
        }
      />
    </form>
  );
}
