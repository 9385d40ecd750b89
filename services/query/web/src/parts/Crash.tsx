import { Button } from '@mantine/core';
import { IconMap2 } from '@tabler/icons-react';
import { Link, type ErrorComponentProps } from '@tanstack/react-router';
import { Failure } from './Failure';
import classes from './State.module.css';

/** What is shown when a page itself fails: the message, and a way to try again. Never a blank page. */
export function Crash({ error, reset }: ErrorComponentProps) {
  return <Failure error={error instanceof Error ? error : new Error(String(error))} retry={reset} />;
}

export function NotFound() {
  return (
    <div className={classes.state}>
      <div className={classes.icon}>
        <IconMap2 size={26} stroke={1.6} />
      </div>
      <h2>There is no such page</h2>
      <p>The address may be from another version of ollyScale.</p>
      <Button variant="default" size="xs" renderRoot={(props) => <Link to="/traces" {...props} />}>
        Go to traces
      </Button>
    </div>
  );
}
