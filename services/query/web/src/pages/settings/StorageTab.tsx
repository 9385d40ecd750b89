import { getStats, type SignalStats, type StoredStats } from '../../api/installation';
import { Lines, Loading } from '../../parts/Loading';
import { formatBytes, formatCount, formatRate, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { formatInstant } from '../../time/instant';
import { useSetting } from './asking';
import { Cut } from './Cut';
import { None, NotAllowed, Section, Table, useMay } from './Section';
import { rateOf, signals } from './settings';
import classes from './Settings.module.css';

/** What the tenant has in the database now. */
export function StorageTab() {
  const admin = useMay('admin');
  const stats = useSetting(['stats', admin ? 'installation' : 'plain'], (signal) => getStats(admin, signal));
  return (
    <Outcome
      of={stats}
      loading={
        <Loading gap={18}>
          <Lines count={8} height={14} widest={90} by={6} />
        </Loading>
      }
      nothing={null}
    >
      {(stored) => (
        <>
          <Cut incomplete={stored.incomplete} />
          <Stored stored={stored} />
          <Installation of={stored.installation} />
        </>
      )}
    </Outcome>
  );
}

const levels = ['flushes', 'put together', 'settled'] as const;

const when = (nanos: string | undefined): string =>
  nanos === undefined || nanos === '0' ? '' : formatInstant(BigInt(nanos), 0);

function Stored({ stored }: { stored: StoredStats }) {
  const [tenant] = stored.tenants;
  const list = signals.flatMap((signal) => tenant?.signals.find((of) => of.signal === signal) ?? []);
  if (tenant === undefined || list.length === 0) return <None>Nothing is stored of this tenant.</None>;
  return (
    <>
      <Section
        title="Stored"
        about="Bytes are those of headers and bodies as they are stored, without what PostgreSQL adds. A rate is over the time of what is kept."
      >
        <Table
          label="Stored by signal"
          head={[
            { text: 'Signal' },
            { text: 'Segments', figure: true },
            { text: 'Items', figure: true },
            { text: 'Bytes', figure: true },
            { text: 'An item', figure: true },
            { text: 'Rate', figure: true },
            { text: 'Oldest' },
            { text: 'Newest' },
          ]}
        >
          {list.map((of) => (
            <tr key={of.signal}>
              <th scope="row">{of.signal}</th>
              <td data-figure>{formatCount(of.total.segments)}</td>
              <td data-figure>{formatCount(of.total.items)}</td>
              <td data-figure>{formatBytes(of.total.bytes)}</td>
              <td data-figure>
                {of.total.items === 0 ? '' : formatBytes(Math.round(of.total.bytes / of.total.items))}
              </td>
              <td data-figure>{rateText(of)}</td>
              <td>{when(of.total.oldest_unix_nano)}</td>
              <td>{when(of.total.newest_unix_nano)}</td>
            </tr>
          ))}
        </Table>
        <p className={classes.about}>
          Beside them {plural(tenant.rollups, 'sum')} of minutes, hours and days, {formatBytes(tenant.rollup_bytes)}.
        </p>
      </Section>
      <Section
        title="Segments by level"
        about="A flush is what a writer stored at once; flushes of a minute are put together, and an hour that is over is settled."
      >
        <Table
          label="Segments by level"
          head={[
            { text: 'Signal' },
            ...levels.map((text) => ({ text: `Segments, ${text}`, figure: true as const })),
            { text: 'To be merged', figure: true },
            { text: 'Its bytes', figure: true },
            { text: 'Oldest of it' },
          ]}
        >
          {list.map((of) => (
            <tr key={of.signal}>
              <th scope="row">{of.signal}</th>
              {levels.map((name, level) => (
                <td key={name} data-figure>
                  {formatCount(of.levels.find((l) => l.level === level)?.stats.segments ?? 0)}
                </td>
              ))}
              <td data-figure>{of.unmerged.segments === 0 ? 'none' : plural(of.unmerged.segments, 'segment')}</td>
              <td data-figure>{of.unmerged.segments === 0 ? '' : formatBytes(of.unmerged.bytes)}</td>
              <td>{when(of.unmerged.oldest_unix_nano)}</td>
            </tr>
          ))}
        </Table>
      </Section>
      <Section
        title="On the way"
        about="What was accepted and is not stored yet waits in the queue. What could not be written is a dead letter."
      >
        <Table
          label="On the way"
          head={[
            { text: 'Signal' },
            { text: 'Waiting', figure: true },
            { text: 'Behind', figure: true },
            { text: 'Dead letters', figure: true },
          ]}
        >
          {list.map(({ signal, completeness: c }) => (
            <tr key={signal}>
              <th scope="row">{signal}</th>
              <td data-figure>{c.pending === undefined ? 'not known' : plural(c.pending, 'batch', 'batches')}</td>
              <td data-figure>{c.lag_ms === undefined ? 'not known' : `${formatCount(c.lag_ms)} ms`}</td>
              <td data-figure>{c.dead_letters === undefined ? 'not known' : formatCount(c.dead_letters)}</td>
            </tr>
          ))}
        </Table>
      </Section>
    </>
  );
}

function rateText(of: SignalStats): string {
  const rate = rateOf(of);
  return rate === undefined ? '' : formatRate(rate);
}

/** The whole database: sums of all tenants. */
function Installation({ of }: { of: StoredStats['installation'] }) {
  if (of === undefined)
    return (
      <Section title="The database">
        <NotAllowed needs="admin" what="How large the database is" />
      </Section>
    );
  const told = of.tables.filter(({ bytes }) => bytes > 0);
  return (
    <Section
      title="The database"
      about={`${formatBytes(of.database_bytes)} in all, of all tenants, with indexes and values that lie apart.`}
    >
      <Table
        label="Tables"
        head={[{ text: 'Table' }, { text: 'Partitions with rows', figure: true }, { text: 'Bytes', figure: true }]}
      >
        {told.map(({ table, partitions, bytes }) => (
          <tr key={table}>
            <th scope="row">
              <code>{table}</code>
            </th>
            <td data-figure>{formatCount(partitions)}</td>
            <td data-figure>{formatBytes(bytes)}</td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}
