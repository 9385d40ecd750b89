import { Menu, Tooltip, UnstyledButton } from '@mantine/core';
import { IconCheck, IconLogout, IconUserCircle } from '@tabler/icons-react';
import { chooseTenant, logout } from '../api/endpoints';
import type { Me } from '../api/model';
import { useMe } from './me';
import classes from './Shell.module.css';

/** Who is logged in, and the way out. Nothing where nobody has to log in. */
export function Account({ narrow }: { narrow: boolean }) {
  const me = useMe();
  if (me?.loggedIn !== true) return null;
  return (
    <Menu position="right-end" shadow="md">
      <Menu.Target>
        <Tooltip label={`${me.name}, ${me.tenant}`} position="right" disabled={!narrow}>
          <UnstyledButton className={classes.account} aria-label={`Logged in as ${me.name}, tenant ${me.tenant}`}>
            <Who me={me} />
          </UnstyledButton>
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {me.tenants.length > 1 && (
          <>
            <Menu.Label>Tenant</Menu.Label>
            {me.tenants.map((tenant) => (
              <Menu.Item
                key={tenant}
                role="menuitemradio"
                aria-checked={tenant === me.tenant}
                leftSection={tenant === me.tenant ? <IconCheck size={15} /> : <span className={classes.unchecked} />}
                onClick={() => void choose(tenant)}
              >
                {tenant}
              </Menu.Item>
            ))}
            <Menu.Divider />
          </>
        )}
        <Menu.Item leftSection={<IconLogout size={15} />} onClick={() => void leave()}>
          Log out
        </Menu.Item>
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
