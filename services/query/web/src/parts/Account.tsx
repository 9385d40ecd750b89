import { Menu, Tooltip, UnstyledButton } from '@mantine/core';
import { IconCheck, IconLogout, IconUserCircle } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../api/client';
import { chooseTenant, logout } from '../api/session';
import type { Me } from '../api/model';
import { useMe } from './me';
import { said } from './said';
import classes from './Shell.module.css';

/** Who is logged in, and the way out. Nothing where nobody has to log in. */
export function Account({ narrow }: { narrow: boolean }) {
  const me = useMe();
  const act = useMutation({
    mutationFn: (action: () => Promise<void>) => action(),
    onError: (error) => {
      if (error instanceof ApiError && error.status === 401) window.location.reload(); // To the login: it has ended.
    },
  });
  const [open, setOpen] = useState(false);
  if (me?.loggedIn !== true) return null;
  return (
    <Menu
      position="right-end"
      shadow="md"
      closeOnItemClick={false}
      opened={open}
      onChange={setOpen}
      onOpen={act.reset}
      checkIcon={<IconCheck size={15} />}
    >
      <Menu.Target>
        <Tooltip label={`${me.name}, ${me.tenant}`} position="right" disabled={!narrow || open}>
          <UnstyledButton className={classes.account} aria-label={`Logged in as ${me.name}, tenant ${me.tenant}`}>
            <Who me={me} />
          </UnstyledButton>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown className={classes.menu}>
        {me.tenants.length > 1 && (
          <>
            <Menu.Label>Tenant</Menu.Label>
            <Menu.RadioGroup value={me.tenant} onChange={(tenant) => act.mutate(() => choose(tenant))}>
              {me.tenants.map((tenant) => (
                <Menu.RadioItem key={tenant} value={tenant} disabled={act.isPending}>
                  {tenant}
                </Menu.RadioItem>
              ))}
            </Menu.RadioGroup>
            <Menu.Divider />
          </>
        )}
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => act.mutate(leave)} disabled={act.isPending}>
          Log out
        </Menu.Item>
        {act.error !== null && (
          <p className={classes.wrong} role="alert">
            {said(act.error)}
          </p>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

/** The person or key, and the tenant whose data is shown. */
export function Who({ me }: { me: Me }) {
  return (
    <>
      <IconUserCircle size={18} stroke={1.7} />
      <span>
        {me.name}
        <small>{me.tenant}</small>
      </span>
    </>
  );
}

async function choose(tenant: string) {
  await chooseTenant(tenant, new AbortController().signal);
  window.location.reload(); // A load: nothing stays of what was shown of the other.
}

async function leave() {
  window.location.replace(await logout(new AbortController().signal)); // A load, for the same reason.
}
