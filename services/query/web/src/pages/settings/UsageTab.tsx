import { Checkbox } from '@mantine/core';
import { getUsage } from '../../api/installation';
import { Lines, Loading } from '../../parts/Loading';
import { formatBytes, formatCount } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { Text } from '../../parts/Text';
import { useTimeRange } from '../../route/time';
import { rangeToSearch, resolveRange } from '../../time/range';
import { useSetting } from './asking';
import { Cut } from './Cut';
import { None, Section, Table, useMay } from './Section';
import { usageRows, type SettingsSearch } from './settings';

interface Props {
  search: SettingsSearch;
  change: (part: { all: '1' | undefined }) => void;
}

/** What a tenant sent, by day. */
export function UsageTab({ search, change }: Props) {
  const admin = useMay('admin');
  const all = admin && search.all === '1';
  const range = useTimeRange();
  const asked = useSetting(['usage', JSON.stringify(rangeToSearch(range)), String(all)], (signal) =>
    getUsage(resolveRange(range, Date.now()), all, signal),
  );
  return (
    <Section
      title="What was stored"
      about="By the UTC days that the time range touches: what ingest took on each and the writer stored, once however often it was sent. Bytes are those of OTLP before compression."
      actions={
        admin && (
          <Checkbox
            size="xs"
            label="All tenants that I may choose"
            checked={all}
            onChange={(event) => change({ all: event.currentTarget.checked ? '1' : undefined })}
          />
        )
      }
    >
      <Outcome
        of={asked}
        loading={
          <Loading gap={18}>
            <Lines count={6} height={14} widest={90} by={8} />
          </Loading>
        }
        isEmpty={({ usage }) => usage.length === 0}
        nothing={<None>Nothing was stored on these days.</None>}
      >
        {(usage) => {
          const { rows, totals } = usageRows(usage);
          return (
            <>
              <Cut incomplete={usage.incomplete} />
              <Table
                label="Usage"
                head={[
                  { text: 'Day' },
                  ...(all ? [{ text: 'Tenant' }] : []),
                  { text: 'Signal' },
                  { text: 'Items', figure: true },
                  { text: 'Bytes', figure: true },
                  { text: 'Series', figure: true },
                ]}
              >
                {[
                  ...totals.map((row) => ({ ...row, total: true })),
                  ...rows.map((row) => ({ ...row, total: false })),
                ].map((row) => (
                  <tr key={`${row.total} ${row.day} ${row.tenant} ${row.signal}`} data-total={row.total || undefined}>
                    <th scope="row">{row.total ? 'All days' : row.day}</th>
                    {all && <td>{row.total ? 'all' : <Text of={row.tenant} />}</td>}
                    <td>{row.signal}</td>
                    <td data-figure title={row.items.toLocaleString('en-US')}>
                      {formatCount(row.items)}
                    </td>
                    <td data-figure title={row.bytes.toLocaleString('en-US')}>
                      {formatBytes(row.bytes)}
                    </td>
                    <td data-figure>
                      {row.signal !== 'metrics'
                        ? ''
                        : row.total
                          ? `${formatCount(row.series)} at most`
                          : formatCount(row.series)}
                    </td>
                  </tr>
                ))}
              </Table>
            </>
          );
        }}
      </Outcome>
    </Section>
  );
}
