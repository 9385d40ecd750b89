import { Alert, Button, Divider, PasswordInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { at } from '../../api/base';
import { getLoginMethods, loginByKey, providerLogin } from '../../api/session';
import { Failure } from '../../parts/Failure';
import { said } from '../../parts/said';
import { back } from './back';
import { problemText } from './problem';
import classes from './LoginPage.module.css';

/** Where one says who one is, before there is anything else to see. */
export function LoginPage() {
  const { return: page, problem } = useSearch({ from: '/login' });
  const to = back(page);
  const methods = useQuery({ queryKey: ['login'], queryFn: ({ signal }) => getLoginMethods(signal) });
  const byKey = useMutation({
    mutationFn: (key: string) => loginByKey(key, new AbortController().signal),
    // A load, so that nothing is left of what somebody else was shown.
    onSuccess: () => window.location.replace(at(to)),
  });
  if (methods.error !== null) return <Failure error={methods.error} retry={() => void methods.refetch()} />;
  return (
    <LoginCard>
      {problem !== undefined && (
        <Alert color="red" variant="light" w="100%">
          {problemText(problem)}
        </Alert>
      )}
      {methods.data?.oidc === true && (
        <>
          <Button component="a" href={providerLogin(to)} fullWidth>
            Log in with your identity provider
          </Button>
          <Divider label="or with a key" w="100%" />
        </>
      )}
      {methods.data?.key === true && (
        <KeyForm
          variant={methods.data.oidc ? 'default' : 'filled'}
          send={byKey.mutate}
          sending={byKey.isPending || byKey.isSuccess}
          error={byKey.error}
        />
      )}
    </LoginCard>
  );
}

export function LoginCard({ children }: { children: ReactNode }) {
  return (
    <main className={classes.login}>
      <div className={classes.card}>
        <img src={at('/icon.svg')} alt="" width={40} height={40} />
        <h1>Log in to ollyScale</h1>
        {children}
      </div>
    </main>
  );
}

interface KeyFormProps {
  /** Plain where there is a better way. */
  variant?: 'default' | 'filled';
  send: (key: string) => void;
  sending: boolean;
  error: Error | null;
}

/** Takes a key. It goes to the server once, and is kept nowhere. */
export function KeyForm({ send, sending, error, variant = 'filled' }: KeyFormProps) {
  const [key, setKey] = useState('');
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send(key.trim());
      }}
    >
      <PasswordInput
        label="Key"
        description="One with the scope query."
        placeholder="olly_…"
        autoComplete="current-password"
        value={key}
        onChange={(event) => setKey(event.currentTarget.value)}
        error={error === null ? undefined : said(error)}
        autoFocus={variant === 'filled'}
        required
        withAsterisk={false}
      />
      <Button type="submit" variant={variant} fullWidth loading={sending} disabled={key.trim() === ''}>
        Log in
      </Button>
    </form>
  );
}
