import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconCornerDownLeft, IconSearch, IconX } from '@tabler/icons-react';
import { useId, useState, type ReactNode } from 'react';
import type { Signal } from '../../api/model';
import { FilterHelp } from '../FilterHelp';
import { useGrammar } from '../grammar';
import { useQueryText } from '../../route/query';
import { Builder } from './Builder';
import { useReading } from './filters';
import { ownFilters, readQuery } from '../../filter/query';
import classes from './QueryBar.module.css';
import { QueryInput } from './QueryInput';
import { remember } from './recent';
import { SavedMenu } from './SavedMenu';

const examples: Readonly<Record<Signal, string>> = {
  traces: 'service = cart and duration > 100ms',
  logs: 'timeout and severity >= warn',
  metrics: 'service = cart and http.route exists',
};

/** Milliseconds without a key after which a text is taken as what somebody wanted to write. */
const pause = 700;

/** Asks what of a signal is shown: by text, or by rows of conditions that stand for it. The address holds what is asked. */
export function QueryBar({ signal, children }: { signal: Signal; children?: ReactNode }) {
  const { text: asked, anywhere, set } = useQueryText();
  const { data: grammar, error, retry } = useGrammar(signal);
  const [text, setText] = useState(asked);
  const [last, setLast] = useState(asked);
  const [building, setBuilding] = useState(false);
  const problemId = useId();
  if (last !== asked) {
    setLast(asked);
    setText(asked);
  }
  const query = useReading(text, grammar);
  const inForce = useReading(asked, grammar);
  const submit = (next: string) => {
    // Neither the list nor what was asked before gives way to what cannot be read.
    if (grammar === undefined || !readQuery(next, grammar).ok) return insist(next);
    setText(next);
    remember(signal, { text: next, anywhere });
    set(next);
  };
  const changed = text.trim() !== asked.trim();
  const wrong = query?.ok === false ? query.problem : undefined;
  // What is being typed is not finished: it is wrong when somebody stops, or asks for it.
  const [rested] = useDebouncedValue(text, pause);
  const [insisted, insist] = useState<string>();
  const problem = rested === text || insisted === text ? wrong : undefined;
  const filters = inForce?.ok === true ? ownFilters(inForce.filters).own : [];
  const several = inForce?.ok === true && inForce.filters.length > 1;
  return (
    <div className={classes.bar} role="search" aria-label={`Filter ${signal}`}>
      <div className={classes.line} data-wrong={problem !== undefined || undefined}>
        <IconSearch size={14} className={classes.icon} aria-hidden />
        <QueryInput
          signal={signal}
          grammar={grammar}
          text={text}
          query={query}
          wrong={problem !== undefined}
          filters={filters}
          placeholder={grammar === undefined ? 'Asking what can be filtered by…' : `Filter: ${examples[signal]}`}
          problem={problem === undefined ? undefined : problemId}
          changed={changed}
          onText={setText}
          onSubmit={submit}
          onRevert={() => setText(asked)}
        />
        {changed && (
          <Button
            size="compact-xs"
            variant="light"
            rightSection={<IconCornerDownLeft size={12} />}
            disabled={wrong !== undefined}
            onClick={() => submit(text)}
          >
            Search
          </Button>
        )}
        {text !== '' && (
          <Tooltip label="Clear the query">
            <ActionIcon variant="subtle" color="gray" size={24} aria-label="Clear the query" onClick={() => submit('')}>
              <IconX size={14} />
            </ActionIcon>
          </Tooltip>
        )}
        <Tooltip label="Build the query from rows">
          <ActionIcon
            variant={building ? 'light' : 'subtle'}
            color={building ? 'brand' : 'gray'}
            size={24}
            aria-label="Query builder"
            aria-expanded={building}
            disabled={grammar === undefined}
            onClick={() => setBuilding(!building)}
          >
            <IconAdjustmentsHorizontal size={15} />
          </ActionIcon>
        </Tooltip>
        {grammar !== undefined && (
          <>
            <SavedMenu signal={signal} grammar={grammar} onOpen={(next, wide) => set(next, wide)} />
            <FilterHelp grammar={grammar} />
          </>
        )}
        {children}
      </div>
      {error !== null && grammar === undefined && (
        <p className={classes.problem} role="alert">
          What can be filtered by could not be had: {error.message}{' '}
          <button type="button" onClick={retry}>
            Ask again
          </button>
        </p>
      )}
      {problem !== undefined && (
        <p className={classes.problem} id={problemId} role="status">
          <Where text={text} from={problem.from} /> {problem.message}
        </p>
      )}
      {signal === 'traces' && several && <Scope anywhere={anywhere} set={(wide) => set(asked, wide)} />}
      {building && grammar !== undefined && (
        <Builder signal={signal} grammar={grammar} text={text} query={query} filters={filters} onText={setText} />
      )}
    </div>
  );
}

/** Where the problem stands, for those who cannot see the line below it. */
function Where({ text, from }: { text: string; from: number }) {
  return <b>{from >= text.trimEnd().length ? 'At the end:' : `At character ${from + 1}:`}</b>;
}

/** On which spans of a trace the conditions must hold, and the other choice. */
function Scope({ anywhere, set }: { anywhere: boolean; set: (anywhere: boolean) => void }) {
  return (
    <p className={classes.scope}>
      {anywhere
        ? 'Each condition may hold on another span of the trace.'
        : 'All conditions must hold on one span of the trace.'}{' '}
      <button type="button" onClick={() => set(!anywhere)}>
        {anywhere ? 'All on one span instead' : 'Anywhere in the trace instead'}
      </button>
    </p>
  );
}
