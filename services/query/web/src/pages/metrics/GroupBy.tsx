import { Button, Checkbox, Popover, TextInput } from '@mantine/core';
import { IconStack2, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { formatCount, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { Lines, Loading } from '../../parts/Loading';
import { hint, label as labelled } from '../../parts/shown';
import { Text } from '../../parts/Text';
import classes from './GroupBy.module.css';
import { useLabels } from './queries';
import { mostGroups } from './view';

interface Props {
  metric: string;
  /** Fields, in their order. */
  by: readonly string[];
  set: (by: readonly string[]) => void;
}

/** Puts series together that have the same values of some labels. */
export function GroupBy({ metric, by, set }: Props) {
  const [opened, setOpened] = useState(false);
  return (
    <div className={classes.group}>
      <Popover opened={opened} onChange={setOpened} position="bottom-start" width={320} trapFocus returnFocus>
        <Popover.Target>
          <Button
            size="xs"
            variant="default"
            leftSection={<IconStack2 size={14} />}
            aria-expanded={opened}
            onClick={() => setOpened(!opened)}
          >
            Group by
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label="Labels to group by">
          {opened && <Choices metric={metric} by={by} set={set} />}
        </Popover.Dropdown>
      </Popover>
      {by.map((field) => (
        <button
          key={field}
          type="button"
          className={classes.chip}
          title={hint(field)}
          aria-label={`Group no more by ${labelled(field)}`}
          onClick={() => set(by.filter((one) => one !== field))}
        >
          <Text of={field.replace(/^attributes\./, '')} most={40} />
          <IconX size={12} aria-hidden />
        </button>
      ))}
    </div>
  );
}

interface Choice {
  field: string;
  shown: string;
  note: string;
}

/** Fields that points of all metrics have. */
const ofAll: readonly Choice[] = [
  { field: 'service', shown: 'service', note: '' },
  { field: 'namespace', shown: 'namespace', note: '' },
];

/** Labels that are listed; the rest is found. */
const mostListed = 100;

function Choices({ metric, by, set }: Props) {
  const labels = useLabels(metric, true);
  const [find, setFind] = useState('');
  const told = (labels.data ?? []).flatMap(({ field, key, scope, values, estimated }): Choice[] =>
    field === undefined
      ? []
      : [
          {
            field,
            shown: scope === 'resource' ? `resource.${key}` : key,
            note: `${estimated ? 'about ' : ''}${formatCount(values)} ${values === 1 ? 'value' : 'values'}`,
          },
        ],
  );
  const needle = find.toLowerCase();
  const found = [...ofAll, ...told].filter(({ shown }) => shown.toLowerCase().includes(needle)).slice(0, mostListed);
  return (
    <>
      <TextInput
        size="xs"
        aria-label="Find a label"
        placeholder="Find a label"
        value={find}
        onChange={(event) => setFind(event.currentTarget.value)}
      />
      <Outcome
        of={labels}
        loading={
          <Loading gap={10}>
            <Lines count={4} height={10} widest={80} by={20} />
          </Loading>
        }
        isEmpty={() => false}
        nothing={null}
      >
        {() => (
          <div className={classes.choices} role="group" aria-label="Labels">
            {found.map(({ field, shown, note }) => (
              <Checkbox
                key={field}
                size="xs"
                label={
                  <span className={classes.choice}>
                    <Text of={shown} most={80} />
                    <small>{note}</small>
                  </span>
                }
                classNames={{ labelWrapper: classes.wrap ?? '' }}
                checked={by.includes(field)}
                disabled={!by.includes(field) && by.length >= mostGroups}
                onChange={(event) => set(event.currentTarget.checked ? [...by, field] : by.filter((f) => f !== field))}
              />
            ))}
          </div>
        )}
      </Outcome>
      <p className={classes.rest}>
        {plural(by.length, 'label')} of {mostGroups} at most.
      </p>
    </>
  );
}
