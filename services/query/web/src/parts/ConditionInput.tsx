import { ActionIcon, TextInput, Tooltip } from '@mantine/core';
import { IconFilter, IconRefresh, IconX } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import type { Signal } from '../api/model';
import { parseCondition } from '../filter/condition';
import type { Grammar } from '../filter/grammar';
import classes from './ConditionInput.module.css';
import { FilterHelp } from './FilterHelp';
import { useGrammar } from './grammar';

interface Props {
  conditions: readonly string[];
  /** Whose items are filtered. */
  signal: Signal;
  onChange: (conditions: string[]) => void;
}

/** A box for conditions on attributes; Enter adds one. Those in force stand in front of it. */
export function ConditionInput({ conditions, signal, onChange }: Props) {
  const { data: grammar, error, retry } = useGrammar(signal);
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string>();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const input = text.trim();
    if (input === '' || grammar === undefined) return;
    const parsed = parseCondition(input, grammar);
    if (!parsed.ok) {
      setProblem(parsed.problem);
      return;
    }
    if (!conditions.includes(input)) onChange([...conditions, input]);
    setText('');
  };
  const failed = grammar === undefined && error !== null;
  return (
    <form className={classes.form} onSubmit={submit}>
      {conditions.length > 0 && (
        <div className={classes.chips}>
          {conditions.map((condition) => (
            <Chip
              key={condition}
              condition={condition}
              grammar={grammar}
              onRemove={() => onChange(conditions.filter((c) => c !== condition))}
            />
          ))}
        </div>
      )}
      <TextInput
        size="xs"
        className={classes.input}
        aria-label="Attribute filter"
        placeholder={
          grammar !== undefined
            ? 'Filter by attribute: http.route=/cart'
            : failed
              ? 'What can be filtered by is not known'
              : 'Asking what can be filtered by…'
        }
        leftSection={<IconFilter size={14} />}
        rightSection={
          grammar !== undefined ? <FilterHelp grammar={grammar} /> : failed ? <AskAgain onClick={retry} /> : undefined
        }
        // Until the fields are here nothing could be made of what is typed.
        disabled={grammar === undefined}
        value={text}
        error={failed ? `The fields could not be had: ${error.message}` : problem}
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

function Chip(props: { condition: string; grammar: Grammar | undefined; onRemove: () => void }) {
  const { condition, grammar, onRemove } = props;
  const parsed = grammar === undefined ? undefined : parseCondition(condition, grammar);
  const problem = parsed?.ok === false ? parsed.problem : undefined;
  return (
    <Tooltip label={problem ?? ''} disabled={problem === undefined}>
      <span className={classes.chip} data-broken={problem !== undefined || undefined}>
        <code title={condition}>{condition}</code>
        <button type="button" aria-label={`Remove ${condition}`} onClick={onRemove}>
          <IconX size={12} />
        </button>
      </span>
    </Tooltip>
  );
}

function AskAgain({ onClick }: { onClick: (() => void) | undefined }) {
  return (
    <ActionIcon variant="subtle" color="gray" size={22} aria-label="Ask for the fields again" onClick={onClick}>
      <IconRefresh size={14} />
    </ActionIcon>
  );
}
