import { Badge } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { getLogPatterns } from '../../api/endpoints';
import type { LogPattern, LogPatterns } from '../../api/model';
import { narrow } from '../../filter/edit';
import type { Grammar } from '../../filter/grammar';
import { asText, useAnswer } from '../../parts/answer';
import { colourOf } from '../../parts/bySeverity';
import { orderFromText, type Column } from '../../parts/columns';
import { useGrammar } from '../../parts/grammar';
import { List } from '../../parts/List';
import { Nothing } from '../../parts/Nothing';
import { formatCount, formatPercent, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import type { Filters } from '../../parts/query/filters';
import { severityLabel, severities } from '../../parts/severity';
import { Sparkline } from '../../parts/Sparkline';
import { Text } from '../../parts/Text';
import { useQueryText } from '../../route/query';
import { compact } from '../../route/search';
import { formatClock, formatInstant, formatOtherDay } from '../../time/instant';
import { filterOf } from './patternQuery';
import classes from './Patterns.module.css';
import { logsLoading } from './Records';
import { recordToText, type LogViewChange } from './view';

/** Patterns that are told: the rest are rare. */
const told = 200;

const columns: readonly Column<LogPattern>[] = [
  {
    id: 'severity',
    header: 'Severity',
    width: '56px',
    cell: ({ severities: [most] }) => most !== undefined && <Level name={most.name} />,
  },
  {
    id: 'pattern',
    header: 'Pattern',
    width: 'minmax(220px, 1fr)',
    className: classes.template,
    cell: (pattern) => <Template pattern={pattern} />,
  },
  {
    id: 'records',
    header: 'Records',
    width: '76px',
    align: 'end',
    sort: { compare: (a, b) => a.count - b.count, first: 'descending' },
    cell: ({ count }) => <span title={count.toLocaleString('en-US')}>{formatCount(count)}</span>,
  },
  {
    id: 'share',
    header: 'Share',
    width: '60px',
    narrow: null,
    align: 'end',
    cell: ({ share }) => formatPercent(share),
  },
  {
    id: 'over',
    header: 'Over time',
    width: '100px',
    narrow: null,
    cell: ({ over }) => <Sparkline values={over} />,
  },
  {
    id: 'services',
    header: 'Services',
    width: 'minmax(60px, 110px)',
    narrow: null,
    className: classes.services,
    cell: ({ services }) => <Services of={services} />,
  },
  {
    id: 'last',
    header: 'Last',
    width: '72px',
    narrow: null,
    sort: { compare: (a, b) => Number(a.lastSeen - b.lastSeen), first: 'descending' },
    cell: ({ lastSeen }) => (
      <span title={formatInstant(lastSeen)}>{formatOtherDay(lastSeen) || formatClock(lastSeen, 0)}</span>
    ),
  },
];

/** What the records of the range have in common; each leads to its records. */
export function Patterns({ filters }: { filters: Filters }) {
  const { data } = filters;
  const asked = useAnswer(
    ['log-patterns', asText(data ?? null)],
    (bounds, signal) => getLogPatterns(data ?? [], told, bounds, signal),
    data !== undefined,
  );
  const { data: grammar } = useGrammar('logs');
  const { text } = useQueryText();
  const [order, setOrder] = useState(() => orderFromText(columns, '-records'));
  const leads = useMemo(() => (grammar === undefined ? undefined : leadsOf(text, grammar)), [text, grammar]);
  return (
    <Outcome
      of={data === undefined ? { ...asked, error: filters.error } : asked}
      isEmpty={(found) => found.patterns.length === 0}
      loading={logsLoading}
      nothing={<Nothing what="log records" clearFilters={filters.any ? filters.clear : undefined} />}
    >
      {(found) => (
        <>
          <p className={classes.said}>{saidOf(found)}</p>
          <List
            label="Patterns"
            columns={columns}
            items={found.patterns}
            itemKey={({ template }) => template}
            rowHeight={34}
            gap={14}
            stale={asked.stale === true}
            order={{ is: order, set: setOrder }}
            link={(pattern, line) => (
              <Link to="/logs" search={(before) => compact({ ...before, ...leads?.(pattern) })} {...line} />
            )}
          />
        </>
      )}
    </Outcome>
  );
}

/** Where a pattern leads: to the list of the records that are like it; of those that no query tells, to the newest. */
const leadsOf =
  (text: string, grammar: Grammar) =>
  ({ template, example }: LogPattern): LogViewChange & { q?: string } => {
    const filter = filterOf(template);
    const list = { view: undefined };
    if (filter !== undefined) return { ...list, q: narrow(text, filter, grammar) };
    return example === undefined ? list : { ...list, record: recordToText(example) };
  };

function saidOf({ patterns, distinct, total, other, coarser, sample }: LogPatterns): string {
  const parts = [
    `${plural(distinct, 'pattern')} in ${plural(total, 'record')}`,
    sample === undefined ? '' : `of a sample of ${formatCount(sample.items)} of about ${formatCount(sample.ofItems)}`,
  ];
  const notes = [
    distinct > patterns.length
      ? `the first ${patterns.length} are shown, the others have ${plural(other, 'record')}`
      : '',
    coarser ? 'there are so many that words were told apart in fewer places than usual' : '',
  ];
  return [parts.filter((part) => part !== '').join(' '), ...notes.filter((note) => note !== '')].join('; ');
}

function Level({ name }: { name: LogPattern['severities'][number]['name'] }) {
  const of = severities.find((severity) => severity.name === name);
  return (
    <b className={classes.level} style={{ color: colourOf(of?.name) }}>
      {severityLabel(of?.from ?? 0, '')}
    </b>
  );
}

function Template({ pattern: { template, isNew } }: { pattern: LogPattern }) {
  return (
    <span title={template.slice(0, 1_000)}>
      {isNew === true && (
        <Badge size="xs" variant="light" color="brand" mr={6} title="Nothing in the time before the range is like it">
          new
        </Badge>
      )}
      <Text of={template} most={600} empty="empty" />
    </span>
  );
}

function Services({ of }: { of: LogPattern['services'] }) {
  const [first, ...others] = of;
  if (first === undefined) return null;
  return (
    <>
      <Text of={first.name} />
      {others.length > 0 && ` +${others.length}`}
    </>
  );
}
