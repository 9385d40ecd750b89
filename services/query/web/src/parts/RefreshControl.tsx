import { Button, Menu, Tooltip } from '@mantine/core';
import { IconCheck, IconChevronDown, IconRefresh } from '@tabler/icons-react';
import { useIsFetching } from '@tanstack/react-query';
import { intervals, useRefresh } from './refresh';
import { standingKey } from './Standing';
import classes from './RefreshControl.module.css';

const label = (seconds: number) => (seconds === 0 ? 'Off' : seconds < 60 ? `${seconds} s` : `${seconds / 60} min`);

/** Refresh now, and how often to do so without being asked. */
export function RefreshControl() {
  const { interval, held, setInterval, now } = useRefresh();
  const fetching = useIsFetching({ predicate: ({ queryKey }) => queryKey[0] !== standingKey[0] }) > 0;
  const waiting = interval !== 0 && held !== undefined;
  return (
    <Button.Group>
      <Tooltip label="Refresh now">
        <Button variant="default" size="xs" px={9} onClick={now} aria-label="Refresh now">
          <IconRefresh size={15} className={classes.icon} data-spinning={fetching || undefined} />
        </Button>
      </Tooltip>
      <Menu position="bottom-end" width={170}>
        <Menu.Target>
          <Tooltip label={waiting ? `Automatic refresh waits: ${held}` : 'Automatic refresh'}>
            <Button
              variant="default"
              size="xs"
              px={9}
              rightSection={<IconChevronDown size={13} />}
              className={classes.interval}
              data-waiting={waiting || undefined}
              aria-label={`Automatic refresh: ${waiting ? 'Paused' : label(interval)}`}
            >
              {waiting ? 'Paused' : label(interval)}
            </Button>
          </Tooltip>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Refresh every</Menu.Label>
          {intervals.map((i) => (
            <Menu.Item
              key={i}
              fz="xs"
              rightSection={i === interval ? <IconCheck size={13} aria-label="chosen" /> : null}
              onClick={() => setInterval(i)}
            >
              {label(i)}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
    </Button.Group>
  );
}
