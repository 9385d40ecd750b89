import { Alert, Button, Checkbox, Group, Select, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ApiError } from '../../api/client';
import { createKey, listKeys, revokeKey, type Key, type KeyScope, type NewKey } from '../../api/installation';
import { Confirm } from '../../parts/Confirm';
import { Copy } from '../../parts/Copy';
import { Lines, Loading } from '../../parts/Loading';
import { Outcome } from '../../parts/Outcome';
import { said } from '../../parts/said';
import { Text } from '../../parts/Text';
import { useSetting } from './asking';
import { None, NotAllowed, Section, Table, useMay } from './Section';
import { stateOf } from './settings';
import classes from './Settings.module.css';

/** The tenant's keys. */
export function KeysTab() {
  const admin = useMay('admin');
  const keys = useSetting(['keys'], listKeys, admin);
  const [made, setMade] = useState<NewKey | undefined>(undefined);
  const about = 'Who sends or asks presents a key. Of a key a hash is kept: it is shown once, when it is made.';
  if (!admin)
    return (
      <Section title="Keys" about={about}>
        <NotAllowed needs="admin" what="To see and make keys" />
      </Section>
    );
  // Where nobody is asked for a key, there are none to be kept here: that is no failure.
  if (keys.error instanceof ApiError && keys.error.code === 'auth.keys_off')
    return (
      <Section title="Keys" about={about}>
        <None>Nobody is asked for a key here: {said(keys.error)}.</None>
      </Section>
    );
  return (
    <>
      <Section title="A new key" about={about}>
        {made === undefined ? (
          <NewKeyForm
            made={(key) => {
              setMade(key);
              void keys.changed();
            }}
          />
        ) : (
          <Made key={made.key.id} made={made} done={() => setMade(undefined)} />
        )}
      </Section>
      <Section title="Keys" about="With those that were revoked or have expired in the last 30 days.">
        <Outcome of={keys} loading={<Skeleton />} nothing={<None>There is no key yet.</None>}>
          {(list) => (
            <Table
              label="Keys"
              head={[
                { text: 'Name' },
                { text: 'May' },
                { text: 'State' },
                { text: 'Made' },
                { text: 'By' },
                { text: 'Id' },
                { text: 'Revoke', hidden: true },
              ]}
            >
              {list.map((key) => (
                <Row key={key.id} of={key} now={keys.at} changed={keys.changed} />
              ))}
            </Table>
          )}
        </Outcome>
      </Section>
    </>
  );
}

const minute = (time: string) => `${time.slice(0, 16).replace('T', ' ')} UTC`;

function Row({ of, now, changed }: { of: Key; now: number; changed: () => Promise<void> }) {
  const state = stateOf(of, now);
  return (
    <tr data-gone={state !== 'good' || undefined}>
      <th scope="row">
        <Text of={of.name} />
      </th>
      <td>{of.scopes.join(', ')}</td>
      <td>
        {state === 'revoked' && of.revoked_at !== undefined && `revoked ${minute(of.revoked_at)}`}
        {state === 'expired' && of.expires_at !== undefined && `expired ${minute(of.expires_at)}`}
        {state === 'good' && (of.expires_at === undefined ? 'good, for ever' : `good until ${minute(of.expires_at)}`)}
      </td>
      <td>{minute(of.created_at)}</td>
      <td>{of.created_by === '' ? 'the command line' : <Text of={of.created_by} />}</td>
      <td>
        <code>{of.id}</code>
      </td>
      <td>
        {state === 'good' && (
          <Confirm
            label="Revoke"
            title="Revoke this key?"
            act="Revoke for ever"
            run={async () => {
              await revokeKey(of.id, new AbortController().signal);
              await changed();
            }}
          >
            <p>
              <b>
                <Text of={of.name} />
              </b>{' '}
              ({of.scopes.join(', ')}) opens nothing within ten seconds, and never again. What was sent with it stays.
            </p>
          </Confirm>
        )}
      </td>
    </tr>
  );
}

const scopes: readonly { scope: KeyScope; label: string }[] = [
  { scope: 'ingest', label: 'ingest: send telemetry' },
  { scope: 'query', label: 'query: search, ask, chart' },
  { scope: 'edit', label: 'edit: dead letters and saved queries' },
  { scope: 'admin', label: 'admin: keys and retention, and what edit may' },
];

const lives = [
  { value: 'never', label: 'Never' },
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
] as const;

function NewKeyForm({ made }: { made: (key: NewKey) => void }) {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<string[]>(['ingest']);
  const [life, setLife] = useState<string>('never');
  const making = useMutation({
    mutationFn: () =>
      createKey(
        {
          name: name.trim(),
          scopes: scopes.map(({ scope }) => scope).filter((scope) => chosen.includes(scope)),
          ...(life === 'never' ? {} : { expires_at: new Date(Date.now() + Number(life) * 86_400_000).toISOString() }),
        },
        new AbortController().signal,
      ),
    onSuccess: made,
    gcTime: 0, // The key is nowhere but where it is shown.
  });
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        making.mutate();
      }}
    >
      <TextInput
        label="Name"
        size="xs"
        w={240}
        placeholder="collector in Berlin"
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Checkbox.Group label="May" size="xs" value={chosen} onChange={setChosen}>
        <Group gap="md" mt={6}>
          {scopes.map(({ scope, label }) => (
            <Checkbox key={scope} size="xs" value={scope} label={label} />
          ))}
        </Group>
      </Checkbox.Group>
      <Select
        label="Expires"
        size="xs"
        w={130}
        data={lives}
        value={life}
        onChange={(next) => setLife(next ?? 'never')}
        allowDeselect={false}
      />
      <Button type="submit" size="xs" loading={making.isPending} disabled={name.trim() === '' || chosen.length === 0}>
        Make a key
      </Button>
      {making.error !== null && (
        <p role="alert" className={classes.wrong}>
          {said(making.error)}
        </p>
      )}
    </form>
  );
}

/** The only sight of a key. */
function Made({ made, done }: { made: NewKey; done: () => void }) {
  return (
    <Alert color="brand" variant="light" title="Copy it now: it is not shown again">
      <div className={classes.made}>
        <p>
          The key <Text of={made.key.name} /> works within ten seconds.
        </p>
        <p className={classes.secret}>
          <code aria-label="The new key">{made.secret}</code>
          <Copy text={made.secret} label="Copy the key" />
        </p>
        <Button size="xs" variant="default" onClick={done}>
          I have it
        </Button>
      </div>
    </Alert>
  );
}

const Skeleton = () => (
  <Loading gap={18}>
    <Lines count={4} height={14} widest={90} by={10} />
  </Loading>
);
