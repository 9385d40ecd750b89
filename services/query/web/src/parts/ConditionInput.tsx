import { ActionIcon, Popover, TextInput, Tooltip } from '@mantine/core';
import { IconFilter, IconHelp, IconX } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { parseCondition } from '../filter/condition';
import classes from './ConditionInput.module.css';

interface Props {
  conditions: readonly string[];
  columns: readonly string[];
  onChange: (conditions: string[]) => void;
}

/** A box for conditions on attributes; Enter adds one. Those in force stand in front of it. */
export function ConditionInput({ conditions, columns, onChange }: Props) {
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const input = text.trim();
    if (input === '') return;
    const parsed = parseCondition(input, columns);
    if (!parsed.ok) {
      setProblem(parsed.problem);
      return;
    }
    if (!conditions.includes(input)) onChange([...conditions, input]);
    setText('');
  };
  return (
    <form className={classes.form} onSubmit={submit}>
      {conditions.length > 0 && (
        <div className={classes.chips}>
          {conditions.map((condition) => {
            const parsed = parseCondition(condition, columns);
            return (
              <Tooltip key={condition} label={parsed.ok ? '' : parsed.problem} disabled={parsed.ok}>
                <span className={classes.chip} data-broken={!parsed.ok || undefined}>
                  <code title={condition}>{condition}</code>
                  <button
                    type="button"
                    aria-label={`Remove ${condition}`}
                    onClick={() => onChange(conditions.filter((c) => c !== condition))}
                  >
                    <IconX size={12} />
                  </button>
                </span>
              </Tooltip>
            );
          })}
        </div>
      )}
      <TextInput
        size="xs"
        className={classes.input}
        aria-label="Attribute filter"
        placeholder="Filter by attribute: http.route=/cart"
        leftSection={<IconFilter size={14} />}
        rightSection={<Help />}
        value={text}
        error={problem}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => {
          setText(event.currentTarget.value);
          setProblem(undefined);
        }}
      />
    </form>
  );
}

const examples = [
  ['http.route=/cart', 'equal'],
  ['user.tier!=free', 'not equal, or absent'],
  ['http.response.status_code>=500', 'greater; also > < <='],
  ['db.query.text:orders', 'contains, case-sensitive'],
  ['exception.type~Time(out|d out)', 'regular expression'],
  ['feature.flag', 'is there; !feature.flag is not'],
  ['resource.k8s.pod.name=cart-0', 'only on the resource'],
  ['code="200"', 'the text 200, not the number'],
] as const;

function Help() {
  return (
    <Popover position="bottom-end" width={420}>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size={22} aria-label="How to write a filter">
          <IconHelp size={14} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <dl className={classes.help}>
          {examples.map(([example, meaning]) => (
            <div key={example}>
              <dt>
                <code>{example}</code>
              </dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
      </Popover.Dropdown>
    </Popover>
  );
}
