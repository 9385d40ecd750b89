import { ActionIcon, Tooltip } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';

interface Props {
  label: string;
  on: boolean;
  icon: Icon;
  onToggle: (on: boolean) => void;
}

/** A small button that is on or off. */
export function Toggle({ label, on, icon: Shown, onToggle }: Props) {
  return (
    <Tooltip label={label}>
      <ActionIcon
        size={30}
        variant={on ? 'light' : 'default'}
        color={on ? 'brand' : 'gray'}
        aria-label={label}
        aria-pressed={on}
        onClick={() => onToggle(!on)}
      >
        <Shown size={15} />
      </ActionIcon>
    </Tooltip>
  );
}
