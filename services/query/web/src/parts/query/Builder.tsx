import { ActionIcon, Autocomplete, Button, Select, SegmentedControl, Switch } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { Filter } from '../../api/endpoints';
import type { Signal } from '../../api/model';
import { draftOf, emptyRow, group, textOfDraft, type Draft, type Group, type Row } from '../../filter/draft';
import { relationName, targetsOf, type Grammar } from '../../filter/grammar';
import type { Query } from '../../filter/query';
import classes from './Builder.module.css';
import { keySuggestions } from './suggest';
import { useKeys, useSuggestions } from './useSuggestions';

interface Props {
  signal: Signal;
  grammar: Grammar;
  text: string;
  query: Query | undefined;
  filters: readonly Filter[];
  /** The text that the rows stand for. */
  onText: (text: string) => void;
}

/** The query as rows: what is changed here changes its text, and the other way round. */
export function Builder({ signal, grammar, text, query, filters, onText }: Props) {
  const tree = query?.ok === true ? query.tree : undefined;
  const [draft, setDraft] = useState(() => draftOf(tree, grammar));
  // The text that the rows stand for: another one came from elsewhere.
  const [own, setOwn] = useState(text);
  if (own !== text && query?.ok === true) {
    setOwn(text);
    setDraft(draftOf(tree, grammar));
  }
  const change = (next: Group) => {
    const written = textOfDraft(next, grammar);
    setDraft(next);
    setOwn(written);
    onText(written);
  };
  return (
    <section className={classes.builder} aria-label="Query builder">
      <GroupView
        signal={signal}
        grammar={grammar}
        filters={filters}
        group={draft}
        onChange={change}
        onRemove={undefined}
      />
    </section>
  );
}

interface Shared {
  signal: Signal;
  grammar: Grammar;
  filters: readonly Filter[];
}

interface GroupProps extends Shared {
  group: Group;
  onChange: (group: Group) => void;
  /** Undefined for the outermost. */
  onRemove: (() => void) | undefined;
}

function GroupView({ group: shown, onChange, onRemove, ...shared }: GroupProps) {
  const { grammar } = shared;
  const put = (i: number, part: Draft | undefined) =>
    onChange({ ...shown, of: shown.of.flatMap((old, j) => (j !== i ? [old] : part === undefined ? [] : [part])) });
  const add = (part: Draft) => onChange({ ...shown, of: [...shown.of, part] });
  return (
    <div className={classes.group} data-inner={onRemove !== undefined || undefined}>
      <div className={classes.head}>
        <SegmentedControl
          size="xs"
          aria-label="How the conditions are joined"
          data={[
            { value: 'and', label: 'All of' },
            { value: 'or', label: 'Any of' },
          ]}
          value={shown.join}
          onChange={(join) => onChange({ ...shown, join: join === 'or' ? 'or' : 'and' })}
        />
        {onRemove !== undefined && (
          <>
            {grammar.relations.length > 0 && (
              <Select
                size="xs"
                w={150}
                aria-label="On which span"
                allowDeselect={false}
                data={[
                  { value: '', label: 'on the span' },
                  ...grammar.relations.map(({ name }) => ({ value: name, label: `on ${relationName(name)}` })),
                ]}
                value={shown.relation ?? ''}
                onChange={(relation) =>
                  onChange({
                    ...shown,
                    relation: relation === '' || relation === null ? undefined : relation,
                  })
                }
              />
            )}
            <Switch
              size="xs"
              label="not"
              checked={shown.not}
              onChange={(event) => onChange({ ...shown, not: event.currentTarget.checked })}
            />
            <ActionIcon variant="subtle" color="gray" size={24} aria-label="Remove the group" onClick={onRemove}>
              <IconTrash size={14} />
            </ActionIcon>
          </>
        )}
      </div>
      {shown.of.map((part, i) =>
        part.is === 'group' ? (
          <GroupView
            key={i}
            {...shared}
            group={part}
            onChange={(next) => put(i, next)}
            onRemove={() => put(i, undefined)}
          />
        ) : (
          <RowView
            key={i}
            {...shared}
            row={part}
            onChange={(next) => put(i, next)}
            onRemove={() => put(i, undefined)}
          />
        ),
      )}
      <div className={classes.head}>
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconPlus size={12} />}
          onClick={() => add(emptyRow(grammar))}
        >
          Condition
        </Button>
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconPlus size={12} />}
          onClick={() => add(group([emptyRow(grammar)], shown.join === 'and' ? 'or' : 'and'))}
        >
          Group
        </Button>
      </div>
    </div>
  );
}

interface RowProps extends Shared {
  row: Row;
  onChange: (row: Row) => void;
  onRemove: () => void;
}

function RowView({ signal, grammar, filters, row, onChange, onRemove }: RowProps) {
  const [focused, setFocused] = useState<'value'>();
  const keys = useKeys(signal, true);
  const operator = grammar.operators.find(({ name }) => name === row.operator);
  const [target] = targetsOf(row.key.trim(), grammar);
  const operators = grammar.operators.filter(
    ({ name }) => target === undefined || target.field.operators.includes(name),
  );
  const at =
    focused !== 'value' || operator === undefined || target === undefined
      ? undefined
      : {
          expected: { what: 'value', key: row.key.trim(), operator, listed: false } as const,
          typed: row.value.replace(/^"|"$/g, ''),
          from: 0,
          to: row.value.length,
        };
  const values = useSuggestions(at, signal, grammar, filters);
  const known = keySuggestions('', keys.data?.data ?? [], grammar, 300)
    .filter(({ text }) => text.endsWith(' ') && text !== 'not ')
    .map(({ label }) => label);
  return (
    <div className={classes.row}>
      <Switch
        size="xs"
        label="not"
        checked={row.not}
        onChange={(event) => onChange({ ...row, not: event.currentTarget.checked })}
      />
      <Autocomplete
        size="xs"
        className={classes.key}
        aria-label="Field"
        placeholder="Field"
        data={[...new Set(known)]}
        limit={60}
        spellCheck={false}
        value={row.key}
        onChange={(key) => onChange({ ...row, key })}
      />
      <Select
        size="xs"
        w={130}
        aria-label="Operator"
        allowDeselect={false}
        data={operators.map(({ name, label }) => ({ value: name, label }))}
        value={row.operator}
        onChange={(name) => onChange({ ...row, operator: name ?? row.operator })}
      />
      {operator?.operand === 'flag' ? (
        <Select
          size="xs"
          className={classes.value}
          aria-label="Value"
          allowDeselect={false}
          data={['true', 'false']}
          value={row.value === 'false' ? 'false' : 'true'}
          onChange={(value) => onChange({ ...row, value: value ?? 'true' })}
        />
      ) : (
        <Autocomplete
          size="xs"
          className={classes.value}
          aria-label="Value"
          placeholder={operator?.operand === 'list' ? 'Values, with commas' : 'Value'}
          data={values.items.map(({ text }) => text.trim())}
          filter={({ options }) => options}
          spellCheck={false}
          value={row.value}
          onFocus={() => setFocused('value')}
          onBlur={() => setFocused(undefined)}
          onChange={(value) => onChange({ ...row, value })}
        />
      )}
      <ActionIcon variant="subtle" color="gray" size={24} aria-label="Remove the condition" onClick={onRemove}>
        <IconTrash size={14} />
      </ActionIcon>
    </div>
  );
}
