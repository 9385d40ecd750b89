import { Button, Select, TextInput } from '@mantine/core';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import {
  getDeadLetter,
  listDeadLetters,
  settleDeadLetter,
  settleDeadLetters,
  type DeadLetter,
  type Fate,
} from '../../api/installation';
import { Confirm } from '../../parts/Confirm';
import { Lines, Loading } from '../../parts/Loading';
import { formatBytes, formatCount, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { useRefresh } from '../../parts/refresh';
import { said } from '../../parts/said';
import { LongText, Text } from '../../parts/Text';
import { useSetting } from './asking';
import { None, NotAllowed, Section, Table, useMay } from './Section';
import { selectionOf, signals, type SettingsSearch } from './settings';
import classes from './Settings.module.css';

interface Props {
  search: SettingsSearch;
  change: (part: { [K in keyof SettingsSearch]: SettingsSearch[K] | undefined }) => void;
}

/** What was accepted and could not be written: why, what it holds, and what becomes of it. */
export function DeadLettersTab({ search, change }: Props) {
  const may = useMay('edit');
  const about =
    'Batches that were accepted and could not be written, oldest first. Replayed, a letter is tried again, and stored once however often that is; dropped, what it holds is lost.';
  if (!may)
    return (
      <Section title="Dead letters" about={about}>
        <NotAllowed needs="edit" what="To see dead letters" />
      </Section>
    );
  return <Letters search={search} change={change} about={about} />;
}

const ends = () => new AbortController().signal;

function Letters({ search, change, about }: Props & { about: string }) {
  const { signal, code } = search;
  const { tick } = useRefresh();
  const client = useQueryClient();
  const pages = useInfiniteQuery({
    queryKey: ['settings', 'letters', signal, code, tick],
    queryFn: ({ pageParam, signal: ended }) => listDeadLetters({ signal, code, after: pageParam }, ended),
    initialPageParam: 0,
    getNextPageParam: (last) => (last.has_more ? last.after : undefined),
    placeholderData: (before, of) => (of?.queryKey[2] === signal && of?.queryKey[3] === code ? before : undefined),
    staleTime: Infinity,
    gcTime: 60_000,
  });
  const [done, setDone] = useState<string | undefined>(undefined);
  const letters = pages.data?.pages.flatMap((page) => page.letters);
  const changed = async (what: string) => {
    setDone(what);
    change({ letter: undefined });
    await client.invalidateQueries({ queryKey: ['settings', 'letters'] });
  };
  const all = async (fate: Fate) => {
    try {
      const count = await settleDeadLetters(fate, selectionOf(search, letters ?? []), ends());
      await changed(`${plural(count, 'letter')} ${fate === 'drop' ? 'dropped' : 'replayed'}.`);
    } catch (error) {
      await client.invalidateQueries({ queryKey: ['settings', 'letters'] }); // Some of them may be done.
      throw error;
    }
  };
  const listed = letters?.length ?? 0;
  return (
    <Section title="Dead letters" about={about}>
      <div className={classes.form} role="search" aria-label="Find dead letters">
        <Select
          label="Signal"
          size="xs"
          w={120}
          data={[{ value: '', label: 'All' }, ...signals.map((value) => ({ value, label: value }))]}
          value={signal ?? ''}
          onChange={(next) => change({ signal: signals.find((s) => s === next), letter: undefined })}
          allowDeselect={false}
        />
        <TextInput
          label="Error"
          size="xs"
          w={220}
          placeholder="postgres.data"
          value={code ?? ''}
          onChange={(event) => change({ code: event.currentTarget.value.trim() || undefined, letter: undefined })}
        />
        {listed > 0 && (
          <>
            <Confirm
              label={`Replay the ${formatCount(listed)} listed`}
              title="Replay these letters?"
              act="Replay"
              harmless
              run={() => all('replay')}
              button={{ size: 'xs' }}
            >
              <p>{plural(listed, 'letter')} will be tried again. One that fails once more is a new letter.</p>
            </Confirm>
            <Confirm
              label={`Drop the ${formatCount(listed)} listed`}
              title="Drop these letters?"
              act="Drop for good"
              typed="drop"
              run={() => all('drop')}
              button={{ size: 'xs' }}
            >
              <p>
                What {plural(listed, 'letter')} hold is lost, {plural(itemsOf(letters ?? []), 'item')} in all. Letters
                that come meanwhile stay.
              </p>
            </Confirm>
          </>
        )}
      </div>
      {done !== undefined && (
        <p role="status" className={classes.done}>
          {done}
        </p>
      )}
      <Outcome
        of={{ data: letters, answer: undefined, error: pages.error, retry: () => void pages.refetch() }}
        loading={
          <Loading gap={18}>
            <Lines count={4} height={14} widest={90} by={10} />
          </Loading>
        }
        nothing={
          <None>
            {signal === undefined && code === undefined
              ? 'There are none: all that was accepted could be written.'
              : 'There are none of this signal and error.'}
          </None>
        }
      >
        {(list) => (
          <Table
            label="Dead letters"
            head={[
              { text: 'Died' },
              { text: 'Signal' },
              { text: 'Error' },
              { text: 'Why' },
              { text: 'Items', figure: true },
              { text: 'Bytes', figure: true },
              { text: 'Tried', figure: true },
              { text: 'Look', hidden: true },
            ]}
          >
            {list.map((letter) => (
              <Letter
                key={letter.sequence}
                letter={letter}
                open={search.letter === String(letter.sequence)}
                toggle={(open) => change({ letter: open ? String(letter.sequence) : undefined })}
                changed={changed}
              />
            ))}
          </Table>
        )}
      </Outcome>
      {pages.hasNextPage && (
        <Button
          size="xs"
          variant="default"
          loading={pages.isFetchingNextPage}
          onClick={() => void pages.fetchNextPage()}
        >
          Show more
        </Button>
      )}
    </Section>
  );
}

const itemsOf = (letters: readonly DeadLetter[]): number => letters.reduce((sum, { items }) => sum + items, 0);

interface LetterProps {
  letter: DeadLetter;
  open: boolean;
  toggle: (open: boolean) => void;
  changed: (what: string) => Promise<void>;
}

function Letter({ letter, open, toggle, changed }: LetterProps) {
  return (
    <>
      <tr>
        <td>{`${letter.died_at.slice(0, 19).replace('T', ' ')} UTC`}</td>
        <td>{letter.signal}</td>
        <td>
          <code>
            <Text of={letter.code} />
          </code>
        </td>
        <td className={classes.why}>
          <Text of={letter.reason} />
        </td>
        <td data-figure>{formatCount(letter.items)}</td>
        <td data-figure>{formatBytes(letter.bytes)}</td>
        <td data-figure>{formatCount(letter.attempts)}</td>
        <td>
          <Button
            size="compact-xs"
            variant="default"
            aria-expanded={open}
            aria-label={`Look at letter ${letter.sequence}`}
            onClick={() => toggle(!open)}
          >
            {open ? 'Close' : 'Look'}
          </Button>
        </td>
      </tr>
      {open && (
        <tr>
          <td colSpan={8} className={classes.editing}>
            <Detail letter={letter} changed={changed} />
          </td>
        </tr>
      )}
    </>
  );
}

function Detail({ letter, changed }: { letter: DeadLetter; changed: (what: string) => Promise<void> }) {
  const asked = useSetting(['letter', String(letter.sequence)], (signal) => getDeadLetter(letter.sequence, signal));
  const replay = useMutation({
    mutationFn: async () => {
      await settleDeadLetter('replay', letter.sequence, ends());
      await changed('1 letter replayed.');
    },
  });
  return (
    <div className={classes.detail}>
      <div className={classes.form}>
        <Button size="compact-xs" variant="default" loading={replay.isPending} onClick={() => replay.mutate()}>
          Replay
        </Button>
        <Confirm
          label="Drop"
          title="Drop this letter?"
          act="Drop for good"
          run={async () => {
            await settleDeadLetter('drop', letter.sequence, ends());
            await changed('1 letter dropped.');
          }}
        >
          <p>What it holds is lost: {plural(letter.items, 'item')}.</p>
        </Confirm>
        {replay.error !== null && (
          <p role="alert" className={classes.wrong}>
            {said(replay.error)}
          </p>
        )}
      </div>
      <LongText of={letter.reason} lines={6} />
      <Outcome
        of={asked}
        loading={
          <Loading gap={12}>
            <Lines count={4} height={12} widest={70} by={10} />
          </Loading>
        }
        nothing={null}
      >
        {({ headers, preview, preview_error: wrong, preview_items: shown }) => (
          <>
            <dl className={classes.facts}>
              {Object.entries(headers).map(([name, values]) => (
                <div key={name}>
                  <dt>
                    <Text of={name} />
                  </dt>
                  <dd>
                    <Text of={values.join(', ')} />
                  </dd>
                </div>
              ))}
            </dl>
            {preview === undefined ? (
              <None>What it holds cannot be shown: {wrong ?? 'nothing was told of it'}.</None>
            ) : (
              <>
                <p className={classes.about}>
                  {shown === letter.items
                    ? 'All that it holds, as OTLP/JSON:'
                    : `The first ${formatCount(shown ?? 0)} of ${plural(letter.items, 'item')}, as OTLP/JSON:`}
                </p>
                <LongText of={JSON.stringify(preview, null, 2)} lines={24} />
              </>
            )}
          </>
        )}
      </Outcome>
    </div>
  );
}
