import { ActionIcon, Checkbox, Popover, TextInput, Tooltip } from '@mantine/core';
import { IconColumns3 } from '@tabler/icons-react';
import { useState } from 'react';
import type { Signal } from '../../api/model';
import type { Grammar } from '../../filter/grammar';
import { plural } from '../number';
import { choices } from './facetFields';
import classes from './Facets.module.css';
import { useKeys } from './useSuggestions';

interface Props {
  /** Of the button that opens it. */
  label: string;
  signal: Signal;
  grammar: Grammar;
  /** Those that are chosen, in their order. */
  fields: readonly string[];
  most: number;
  choose: (fields: readonly string[]) => void;
  /** As they were before any was chosen; where that can be. */
  reset?: (() => void) | undefined;
}

/** Chooses some of the fields of a signal's items: of those that all have, and of the attributes that there are in the range. */
export function FieldChooser({ label, signal, grammar, fields, most, choose, reset }: Props) {
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" width={300} trapFocus returnFocus>
      <Popover.Target>
        <Tooltip label={label} disabled={opened}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size={24}
            aria-label={label}
            aria-expanded={opened}
            onClick={() => setOpened(!opened)}
          >
            <IconColumns3 size={15} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown aria-label={label}>
        {opened && <Choices {...{ signal, grammar, fields, most, choose, reset }} />}
      </Popover.Dropdown>
    </Popover>
  );
}

function Choices({ signal, grammar, fields, most, choose, reset }: Omit<Props, 'label'>) {
  const keys = useKeys(signal, true);
  const [find, setFind] = useState('');
  const all = choices(grammar, keys.data?.data ?? [], fields);
  const found = all.filter((field) => field.toLowerCase().includes(find.toLowerCase())).slice(0, 200);
  return (
    <>
      <TextInput
        size="xs"
        aria-label="Find a field"
        placeholder="Find a field"
        value={find}
        onChange={(event) => setFind(event.currentTarget.value)}
      />
      <div className={classes.choices} role="group" aria-label="Fields">
        {found.map((field) => (
          <Checkbox
            key={field}
            size="xs"
            label={<bdi>{field}</bdi>}
            checked={fields.includes(field)}
            disabled={!fields.includes(field) && fields.length >= most}
            onChange={(event) =>
              choose(event.currentTarget.checked ? [...fields, field] : fields.filter((f) => f !== field))
            }
          />
        ))}
      </div>
      <p className={classes.rest}>
        {plural(fields.length, 'field')} of {most} at most.{' '}
        {reset !== undefined && (
          <button type="button" className={classes.link} onClick={reset}>
            As they were
          </button>
        )}
      </p>
    </>
  );
}
