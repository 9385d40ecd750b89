import { ActionIcon, Button, TextInput, Tooltip } from '@mantine/core';
import {
  IconAlertCircleFilled,
  IconArrowsMaximize,
  IconBolt,
  IconChevronDown,
  IconChevronUp,
  IconFocus2,
  IconFold,
  IconRoute,
  IconSearch,
} from '@tabler/icons-react';
import { hint, shownText } from '../../parts/shown';
import type { Finding } from './finding';
import classes from './Tools.module.css';

interface Props {
  /** Shows all of the trace again; undefined while it is shown. */
  onWhole: (() => void) | undefined;
  /** Undefined where there is no error. */
  onError: ((by: 1 | -1) => void) | undefined;
  /** Goes to where the errors began, one after the other; undefined where none did. */
  onCause: (() => void) | undefined;
  /** Shows the selected span's subtree alone; undefined where it has none, or where it is shown. */
  onFocus: (() => void) | undefined;
  critical: { shown: boolean; toggle: () => void };
  anyFolded: boolean;
  /** Undefined where there is nothing to fold. */
  onFoldAll: (() => void) | undefined;
  onFoldService: (service: string) => void;
  finding: Finding;
  onStep: (by: 1 | -1) => void;
}

/** What can be done with the waterfall as a whole. */
export function Tools(props: Props) {
  const { onWhole, onError, onCause, onFocus, critical, anyFolded, onFoldAll, onFoldService, finding, onStep } = props;
  const { service } = finding;
  return (
    <div className={classes.tools}>
      {onWhole !== undefined && (
        <Button size="compact-xs" variant="light" leftSection={<IconArrowsMaximize size={12} />} onClick={onWhole}>
          Whole trace
        </Button>
      )}
      {onFocus !== undefined && (
        <Tooltip label="Show the selected span and what is below it alone (f)">
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            leftSection={<IconFocus2 size={13} />}
            onClick={onFocus}
          >
            Focus
          </Button>
        </Tooltip>
      )}
      {onCause !== undefined && (
        <Tooltip label="Go to the span that an error began with (c)">
          <Button size="compact-xs" variant="subtle" color="red" leftSection={<IconBolt size={13} />} onClick={onCause}>
            Jump to cause
          </Button>
        </Tooltip>
      )}
      {onError !== undefined && (
        <span className={classes.errors}>
          <Tooltip label="Previous error (E)">
            <ActionIcon size={24} variant="subtle" color="red" aria-label="Previous error" onClick={() => onError(-1)}>
              <IconChevronUp size={14} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Next error (e)">
            <Button
              size="compact-xs"
              variant="subtle"
              color="red"
              leftSection={<IconAlertCircleFilled size={12} />}
              onClick={() => onError(1)}
            >
              Next error
            </Button>
          </Tooltip>
        </span>
      )}
      <Tooltip label="What the end of the trace waited for at each moment: the line below the bars">
        <Button
          size="compact-xs"
          variant={critical.shown ? 'light' : 'subtle'}
          color={critical.shown ? 'brand' : 'gray'}
          aria-pressed={critical.shown}
          leftSection={<IconRoute size={13} />}
          onClick={critical.toggle}
        >
          Critical path
        </Button>
      </Tooltip>
      {service !== undefined && (
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          leftSection={<IconFold size={13} />}
          title={hint(`Collapse or expand all spans of ${service}`)}
          onClick={() => onFoldService(service)}
        >
          Fold {shownText(service, 18)}
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
                  size={24}
                  variant="subtle"
                  color="gray"
                  aria-label="Previous match"
                  onClick={() => onStep(-1)}
                >
                  <IconChevronUp size={13} />
                </ActionIcon>
              </Tooltip>
              <Tooltip label="Next (Enter)">
                <ActionIcon size={24} variant="subtle" color="gray" aria-label="Next match" onClick={() => onStep(1)}>
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
