import { ActionIcon, Button, Popover, TextInput, Tooltip } from '@mantine/core';
import { IconBookmark, IconPencil, IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent, type ReactNode } from 'react';
import { deleteSavedQuery, getSavedQuery, listSavedQueries, renameSavedQuery, saveQuery } from '../../api/endpoints';
import type { SavedQuery, Signal } from '../../api/model';
import type { Grammar } from '../../filter/grammar';
import { presets } from '../../filter/presets';
import { textOf } from '../../filter/print';
import { readQuery } from '../../filter/query';
import { useQueryText } from '../../route/query';
import { parseSearch, stringifySearch } from '../../route/search';
import { useTimeRange } from '../../route/time';
import { rangeToSearch, resolveRange } from '../../time/range';
import { Copy } from '../Copy';
import { said } from '../said';
import { instantToMillis } from '../../time/instant';
import { recent } from './recent';
import classes from './SavedMenu.module.css';

interface Props {
  signal: Signal;
  grammar: Grammar;
  onOpen: (text: string, anywhere: boolean) => void;
}

/** What was asked before: queries that are kept for all of the tenant, those of this browser, and those that everybody starts with. */
export function SavedMenu({ signal, grammar, onOpen }: Props) {
  const [opened, setOpened] = useState(false);
  const open = (text: string, anywhere: boolean) => {
    setOpened(false);
    onOpen(text, anywhere);
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" width={360} trapFocus returnFocus>
      <Popover.Target>
        <Tooltip label="Saved, recent and preset queries" disabled={opened}>
          <ActionIcon
            variant={opened ? 'light' : 'subtle'}
            color={opened ? 'brand' : 'gray'}
            size={24}
            aria-label="Saved queries"
            aria-expanded={opened}
            onClick={() => setOpened(!opened)}
          >
            <IconBookmark size={15} />
          </ActionIcon>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown p={0}>{opened && <Menu signal={signal} grammar={grammar} onOpen={open} />}</Popover.Dropdown>
    </Popover>
  );
}

function Menu({ signal, grammar, onOpen }: Props) {
  const saved = useQuery({ queryKey: ['saved-queries', signal], queryFn: (q) => listSavedQueries(signal, q.signal) });
  const [problem, setProblem] = useState<string>();
  const client = useQueryClient();
  const changed = () => {
    setProblem(undefined);
    void client.invalidateQueries({ queryKey: ['saved-queries', signal] });
  };
  const failed = (error: Error) => {
    setProblem(said(error));
    void client.invalidateQueries({ queryKey: ['saved-queries', signal] });
  };
  const use = useMutation({
    mutationFn: ({ id }: SavedQuery) => getSavedQuery(id, never),
    onSuccess: ({ filters, anywhere }) => onOpen(textOf(filters, grammar), anywhere),
    onError: failed,
  });
  const drop = useMutation({
    mutationFn: (query: SavedQuery) => deleteSavedQuery(query, never),
    onSuccess: changed,
    onError: failed,
  });
  const offered = presets[signal].filter(({ text }) => readQuery(text, grammar).ok);
  const past = recent(signal);
  return (
    <div className={classes.menu}>
      <Save signal={signal} grammar={grammar} onSaved={changed} />
      {problem !== undefined && (
        <p className={classes.problem} role="alert">
          {problem}
        </p>
      )}
      <Section title="Saved">
        {saved.error !== null && <p className={classes.none}>They could not be had: {said(saved.error)}</p>}
        {saved.data?.length === 0 && (
          <p className={classes.none}>None yet. What is saved is for everybody of the tenant.</p>
        )}
        {saved.data?.map((query) => (
          <SavedRow
            key={query.id}
            query={query}
            onOpen={() => use.mutate(query)}
            onDrop={() => drop.mutate(query)}
            onRenamed={changed}
            onFailed={failed}
          />
        ))}
      </Section>
      {past.length > 0 && (
        <Section title="Recent">
          {past.map(({ text, anywhere }) => (
            <Entry key={`${anywhere} ${text}`} onClick={() => onOpen(text, anywhere)}>
              <code>
                <bdi>{text}</bdi>
              </code>
              {anywhere && <small>anywhere in the trace</small>}
            </Entry>
          ))}
        </Section>
      )}
      <Section title="Presets">
        {offered.map(({ name, text }) => (
          <Entry key={name} onClick={() => onOpen(text, false)}>
            <span>{name}</span>
            <code>{text}</code>
          </Entry>
        ))}
      </Section>
    </div>
  );
}

/** What is asked for by hand is not taken back when the page is left. */
const never = new AbortController().signal;

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Entry({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <button type="button" className={classes.entry} onClick={onClick}>
      {children}
    </button>
  );
}

function SavedRow(props: {
  query: SavedQuery;
  onOpen: () => void;
  onDrop: () => void;
  onRenamed: () => void;
  onFailed: (error: Error) => void;
}) {
  const { query, onOpen, onDrop, onRenamed, onFailed } = props;
  const [name, setName] = useState<string>();
  const [asking, setAsking] = useState(false);
  const rename = useMutation({
    mutationFn: (to: string) => renameSavedQuery(query, to, never),
    onSuccess: () => {
      setName(undefined);
      onRenamed();
    },
    onError: onFailed,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name !== undefined && name.trim() !== '') rename.mutate(name.trim());
  };
  if (name !== undefined) {
    return (
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          size="xs"
          aria-label="New name"
          maxLength={100}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button size="xs" type="submit" loading={rename.isPending} disabled={name.trim() === ''}>
          Rename
        </Button>
      </form>
    );
  }
  if (asking) {
    return (
      <div className={classes.row} role="group" aria-label={`Delete ${query.name}?`}>
        <p className={classes.none}>
          Delete <bdi>{query.name}</bdi> for everybody?
        </p>
        <Button size="compact-xs" color="red" onClick={onDrop}>
          Delete
        </Button>
        <Button size="compact-xs" variant="default" autoFocus onClick={() => setAsking(false)}>
          Keep
        </Button>
      </div>
    );
  }
  return (
    <div className={classes.row}>
      <Entry onClick={onOpen}>
        <bdi>{query.name}</bdi>
        {query.createdBy !== '' && <small>{query.createdBy}</small>}
      </Entry>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={24}
        aria-label={`Rename ${query.name}`}
        onClick={() => setName(query.name)}
      >
        <IconPencil size={13} />
      </ActionIcon>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={24}
        aria-label={`Delete ${query.name}`}
        onClick={() => setAsking(true)}
      >
        <IconTrash size={13} />
      </ActionIcon>
    </div>
  );
}

/** Keeps the query in force under a name, and gives its address. */
function Save({ signal, grammar, onSaved }: { signal: Signal; grammar: Grammar; onSaved: () => void }) {
  const { text, anywhere } = useQueryText();
  const range = useTimeRange();
  const [name, setName] = useState('');
  const [link] = useState(() => linkTo(rangeToSearch(range), resolveRange(range, Date.now())));
  const query = readQuery(text, grammar);
  const filters = query.ok ? query.filters : [];
  const save = useMutation({
    mutationFn: () => saveQuery({ name: name.trim(), page: signal, filters, anywhere }, never),
    onSuccess: () => {
      setName('');
      onSaved();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== '' && filters.length > 0) save.mutate();
  };
  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput
        size="xs"
        aria-label="Name to save the query under"
        placeholder={
          !query.ok
            ? 'This query cannot be read'
            : filters.length === 0
              ? 'Nothing is asked for yet'
              : 'Save this query as…'
        }
        maxLength={100}
        disabled={filters.length === 0}
        error={save.error === null ? undefined : said(save.error)}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button size="xs" type="submit" loading={save.isPending} disabled={filters.length === 0 || name.trim() === ''}>
        Save
      </Button>
      <Copy text={link} label="Copy a link to this query, with absolute times" />
    </form>
  );
}

/** The address of what is shown, with the ends of its range: who opens it later sees the same. */
function linkTo(sliding: object, { from, to }: ReturnType<typeof resolveRange>): string {
  const search = { ...parseSearch(window.location.search), ...sliding };
  const iso = (instant: bigint) => new Date(instantToMillis(instant)).toISOString();
  const fixed = Object.fromEntries(Object.entries(search).filter(([key]) => key !== 'range'));
  const { origin, pathname } = window.location;
  return `${origin}${pathname}${stringifySearch({ ...fixed, from: iso(from), to: iso(to) })}`;
}
