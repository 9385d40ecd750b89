import { Button, Code } from '@mantine/core';
import { IconAlertTriangle, IconPlugConnectedX } from '@tabler/icons-react';
import { ApiError } from '../api/client';
import classes from './State.module.css';
import { LongText } from './Text';

/** What is shown in place of data that could not be had: what happened, its code, and a way on. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const api = error instanceof ApiError ? error : undefined;
  const away = api?.status === 0;
  return (
    <div className={classes.state} role="alert">
      <div className={classes.icon} data-tone="error">
        {away ? <IconPlugConnectedX size={26} stroke={1.6} /> : <IconAlertTriangle size={26} stroke={1.6} />}
      </div>
      <h2>{error.message === '' ? 'Something went wrong' : error.message}</h2>
      {api?.detail !== undefined && api.detail !== '' && (
        <div>
          <LongText of={api.detail} lines={4} />
        </div>
      )}
      {api?.transient === true && <p className={classes.hint}>This may pass by itself: try again in a moment.</p>}
      {api !== undefined && (
        <p className={classes.codes}>
          <Code>{api.code}</Code>
          {api.status > 0 && <Code>HTTP {api.status}</Code>}
          {api.requestId !== '' && <Code>request {api.requestId}</Code>}
        </p>
      )}
      {retry !== undefined && (
        <Button variant="default" size="xs" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}
