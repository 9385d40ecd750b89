import { ActionIcon, Button, Checkbox, Popover, TextInput } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconColumns3, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { fieldTitle } from '../../parts/logFields';
import { useGrammar } from '../../parts/grammar';
import { choices } from '../../parts/query/facetFields';
import { useKeys } from '../../parts/query/useSuggestions';
import { label } from '../../parts/shown';
import { Text } from '../../parts/Text';
import classes from './Columns.module.css';
import { moved } from './move';
import { defaultColumns, mostColumns } from './view';

interface Props {
  columns: readonly string[];
  onColumns: (columns: readonly string[]) => void;
}

/** Which fields have a column each, and in which order. */
export function Columns({ columns, onColumns }: Props) {
  return (
    <Popover position="bottom-end" width={320} trapFocus returnFocus>
      <Popover.Target>
        <Button size="xs" variant="default" leftSection={<IconColumns3 size={14} />}>
          Columns
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Choice columns={columns} onColumns={onColumns} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Choice({ columns, onColumns }: Props) {
  const { data: grammar } = useGrammar('logs');
  const keys = useKeys('logs', true);
  const [find, setFind] = useState('');
  const all = grammar === undefined ? [] : choices(grammar, keys.data?.data ?? [], []);
  const found = all
    .filter((field) => !columns.includes(field) && field.toLowerCase().includes(find.toLowerCase()))
    .slice(0, 200);
  const full = columns.length >= mostColumns;
  return (
    <div className={classes.choice}>
      {columns.length > 0 && (
        <ol aria-label="Columns">
          {columns.map((field, i) => (
            <Chosen
              key={field}
              field={field}
              first={i === 0}
              last={i === columns.length - 1}
              onMove={(by) => onColumns(moved(columns, i, i + by))}
              onDrop={(from) => onColumns(moved(columns, from, i))}
              place={i}
              onRemove={() => onColumns(columns.filter((one) => one !== field))}
            />
          ))}
        </ol>
      )}
      <TextInput
        size="xs"
        aria-label="Find a field"
        placeholder="Add a field"
        value={find}
        onChange={(event) => setFind(event.currentTarget.value)}
      />
      <div className={classes.fields} role="group" aria-label="Fields">
        {found.map((field) => (
          <Checkbox
            key={field}
            size="xs"
            label={<Text of={field} />}
            checked={false}
            disabled={full}
            onChange={() => onColumns([...columns, field])}
          />
        ))}
      </div>
      <p>
        {full ? `${mostColumns} are as many as fit. ` : ''}
        {columns.join('\n') !== defaultColumns.join('\n') && (
          <button type="button" onClick={() => onColumns(defaultColumns)}>
            As they were
          </button>
        )}
      </p>
    </div>
  );
}

interface ChosenProps {
  field: string;
  place: number;
  first: boolean;
  last: boolean;
  onMove: (by: 1 | -1) => void;
  /** Another was dropped here. */
  onDrop: (from: number) => void;
  onRemove: () => void;
}

function Chosen({ field, place, first, last, onMove, onDrop, onRemove }: ChosenProps) {
  const name = label(field);
  return (
    <li
      draggable
      title={name}
      onDragStart={(event) => event.dataTransfer.setData('text/plain', String(place))}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        const from = Number(event.dataTransfer.getData('text/plain'));
        if (Number.isInteger(from)) onDrop(from);
      }}
    >
      <span>
        <Text of={fieldTitle(field)} />
      </span>
      <ActionIcon
        size={24}
        variant="subtle"
        color="gray"
        disabled={first}
        aria-label={`Move ${name} to the left`}
        onClick={() => onMove(-1)}
      >
        <IconArrowUp size={13} />
      </ActionIcon>
      <ActionIcon
        size={24}
        variant="subtle"
        color="gray"
        disabled={last}
        aria-label={`Move ${name} to the right`}
        onClick={() => onMove(1)}
      >
        <IconArrowDown size={13} />
      </ActionIcon>
      <ActionIcon size={24} variant="subtle" color="gray" aria-label={`Remove ${name}`} onClick={onRemove}>
        <IconX size={13} />
      </ActionIcon>
    </li>
  );
}
