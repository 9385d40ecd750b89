import { Button, Checkbox, NumberInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import { getRetention, getStats, setRetention, type Retention } from '../../api/installation';
import { Lines, Loading } from '../../parts/Loading';
import { Outcome } from '../../parts/Outcome';
import { Confirm } from '../../parts/Confirm';
import { plural } from '../../parts/number';
import { said } from '../../parts/said';
import { formatDuration, parseDuration } from '../../time/duration';
import { formatInstant } from '../../time/instant';
import { useSetting } from './asking';
import { NotAllowed, Section, Table, useMay } from './Section';
import { losing, millisOf, signals } from './settings';
import classes from './Settings.module.css';

/** How long the tenant's data is kept. */
export function RetentionTab() {
  const policies = useSetting(['retention'], getRetention);
  const stored = useSetting(['stats', 'plain'], (signal) => getStats(false, signal));
  const admin = useMay('admin');
  const oldestOf = (name: string) => {
    const of = stored.data?.tenants[0]?.signals.find(({ signal }) => signal === name);
    return of?.total.oldest_unix_nano;
  };
  return (
    <Section
      title="How long data is kept"
      about={
        <>
          In whole days (UTC), by signal, for this tenant. A day lies in partitions that all tenants share: it is
          dropped for good when no tenant keeps it any more, and until then it can be read. On hold, nothing is dropped.
          Rows for SQL are what the views olly.spans, olly.logs and olly.metrics of the database show.
        </>
      }
    >
      <NotAllowed needs="admin" what="To change it" />
      <Outcome of={policies} loading={<Skeleton />} nothing={null}>
        {(list) => (
          <Table
            label="Retention"
            head={[
              { text: 'Signal' },
              { text: 'Kept', figure: true },
              { text: 'On hold' },
              { text: 'Rows for SQL' },
              { text: 'Oldest that is kept' },
              ...(admin ? [{ text: 'Change', hidden: true } as const] : []),
            ]}
          >
            {signals
              .flatMap((signal) => list.find((policy) => policy.signal === signal) ?? [])
              .map((policy) => (
                <Policy
                  key={`${policy.signal} ${policy.days} ${policy.hold} ${policy.rows_seconds}`}
                  policy={policy}
                  oldest={oldestOf(policy.signal)}
                  known={stored.data !== undefined}
                  wrong={stored.error}
                  admin={admin}
                  now={policies.at}
                  changed={policies.changed}
                />
              ))}
          </Table>
        )}
      </Outcome>
    </Section>
  );
}

interface PolicyProps {
  policy: Retention;
  oldest: string | undefined;
  known: boolean;
  wrong: Error | null;
  admin: boolean;
  /** When the answer came, in milliseconds. */
  now: number;
  changed: () => Promise<void>;
}

function Policy({ policy, oldest, known, wrong, admin, now, changed }: PolicyProps) {
  const [editing, setEditing] = useState(false);
  const oldestText =
    oldest !== undefined
      ? formatInstant(BigInt(oldest), 0)
      : known
        ? 'nothing is kept'
        : wrong === null
          ? '…'
          : said(wrong);
  return (
    <>
      <tr>
        <th scope="row">{policy.signal}</th>
        <td data-figure>{plural(policy.days, 'day')}</td>
        <td>{policy.hold ? 'yes: nothing is dropped' : 'no'}</td>
        <td>{rowsText(policy)}</td>
        <td>{oldestText}</td>
        {admin && (
          <td>
            <Button
              size="compact-xs"
              variant="default"
              aria-expanded={editing}
              aria-label={`Change how long ${policy.signal} are kept`}
              onClick={() => setEditing(!editing)}
            >
              {editing ? 'Close' : 'Change'}
            </Button>
          </td>
        )}
      </tr>
      {editing && (
        <tr>
          <td colSpan={6} className={classes.editing}>
            <Edit policy={policy} oldest={millisOf(oldest)} now={now} changed={changed} />
          </td>
        </tr>
      )}
    </>
  );
}

const rowsText = ({ rows_seconds: seconds, rows_since: since }: Retention): string => {
  if (seconds === 0) return 'none';
  const from = since === undefined ? '' : `, since ${since.slice(0, 16).replace('T', ' ')} UTC`;
  return `for ${formatDuration(seconds * 1e9)}${from}`;
};

function Edit({
  policy,
  oldest,
  now,
  changed,
}: {
  policy: Retention;
  oldest: number | undefined;
  now: number;
  changed: () => Promise<void>;
}) {
  const [days, setDays] = useState<number | string>(policy.days);
  const [hold, setHold] = useState(policy.hold);
  const [rows, setRows] = useState(policy.rows_seconds === 0 ? 'none' : formatDuration(policy.rows_seconds * 1e9));
  const wanted = typeof days === 'number' && Number.isInteger(days) && days >= 1 && days <= 3650 ? days : undefined;
  const seconds =
    rows.trim() === '' || rows.trim() === 'none' ? 0 : Math.round((parseDuration(rows) ?? Number.NaN) / 1e9);
  const wrongRows = Number.isNaN(seconds) || seconds > 315_360_000;
  const lost = wanted === undefined || hold ? undefined : losing(wanted, policy.days, oldest, now);
  const released = policy.hold && !hold;
  const same = wanted === policy.days && hold === policy.hold && seconds === policy.rows_seconds;
  const save = async () => {
    const change = { signals: [policy.signal], days: wanted!, hold, rows_seconds: seconds };
    await setRetention(change, new AbortController().signal);
    await changed();
  };
  return (
    <div className={classes.form}>
      <NumberInput
        label="Days"
        size="xs"
        w={90}
        min={1}
        max={3650}
        allowDecimal={false}
        clampBehavior="none"
        value={days}
        onChange={setDays}
        error={wanted === undefined ? '1 to 3650' : undefined}
      />
      <TextInput
        label="Rows for SQL"
        size="xs"
        w={130}
        value={rows}
        onChange={(event) => setRows(event.currentTarget.value)}
        error={wrongRows ? '“none”, or as 12h or 7d' : undefined}
      />
      <Checkbox
        size="xs"
        label="Hold: drop nothing"
        checked={hold}
        onChange={(event) => setHold(event.currentTarget.checked)}
      />
      <Confirm
        label="Save"
        title={`Change how long ${policy.signal} are kept?`}
        act={lost === undefined && !released ? 'Change' : 'Change, and let go of what is older'}
        harmless={lost === undefined && !released}
        typed={lost === undefined && !released ? undefined : policy.signal}
        run={save}
        button={{ size: 'xs', variant: 'filled', disabled: same || wanted === undefined || wrongRows }}
      >
        <p>
          {policy.signal}: {plural(policy.days, 'day')} → {plural(wanted ?? policy.days, 'day')}
          {hold ? ', on hold' : ''}, rows for SQL {seconds === 0 ? 'none' : `for ${formatDuration(seconds * 1e9)}`}.
        </p>
        {lost !== undefined && (
          <p>
            This tenant keeps {policy.signal} from {lost.keptFrom} (UTC) on.{' '}
            {lost.atMost === undefined
              ? 'Whether it has any that are older is not known here.'
              : lost.atMost === 0
                ? 'It has none that are older.'
                : `Older ones, of ${plural(lost.atMost, 'day')} at most, are dropped for good at the janitor’s next look, unless another tenant keeps those days.`}
          </p>
        )}
        {released && (
          <p>Without the hold, what is older than the days say is dropped for good at the janitor’s next look.</p>
        )}
      </Confirm>
    </div>
  );
}

const Skeleton = () => (
  <Loading gap={18}>
    <Lines count={3} height={14} widest={90} by={10} />
  </Loading>
);
