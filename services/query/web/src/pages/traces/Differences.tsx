import { ActionIcon, Button, CloseButton, Tooltip } from '@mantine/core';
import { IconEqual, IconEqualNot } from '@tabler/icons-react';
import type { Answer, Comparison } from '../../api/model';
import type { Asked } from '../../parts/answer';
import { useShortcut } from '../../parts/Keyboard';
import { IncompleteNote } from '../../parts/IncompleteNote';
import { formatCount, formatPercent, plural } from '../../parts/number';
import classes from './Differences.module.css';
import { differing, type Compared, type Told } from './contrast';
import { ofValue } from './narrow';

interface Props {
  compared: Compared | undefined;
  asked: Asked<Comparison>;
  /** Whether it is known how long spans take, so far as it can be: without it, slow ones cannot be told. */
  known: boolean;
  /** Adds a condition to the filters. */
  onNarrow: (condition: string) => void;
  /** Shows what is selected in the list; where that can be done. */
  onShow?: (() => void) | undefined;
  onClose: () => void;
}

/** By which values two sets of spans differ, those that tell them apart most first. */
export function Differences({ compared, asked, known, onNarrow, onShow, onClose }: Props) {
  const { data, error } = asked;
  useShortcut('escape', 'Close what differs', onClose);
  return (
    <section className={classes.panel} aria-label="What differs">
      <header className={classes.head}>
        <h2>
          What differs{' '}
          {compared !== undefined && (
            <span>
              in {data !== undefined && lookedAt(data.selected, data.selectedIs)} {compared.these}, against{' '}
              {data !== undefined && lookedAt(data.baseline, data.baselineIs)} {compared.those}
            </span>
          )}
        </h2>
        {onShow !== undefined && (
          <Button size="compact-xs" variant="default" onClick={onShow}>
            Show these alone
          </Button>
        )}
        <CloseButton size="sm" aria-label="Close what differs" onClick={onClose} />
      </header>
      <div className={classes.body}>
        {data !== undefined ? (
          <Values data={data} answer={asked.answer} compared={compared} onNarrow={onNarrow} />
        ) : error !== null ? (
          <p className={classes.says} role="alert">
            The two could not be compared: {error.message}{' '}
            {asked.retry !== undefined && (
              <Button size="compact-xs" variant="default" onClick={asked.retry}>
                Try again
              </Button>
            )}
          </p>
        ) : compared === undefined && known ? (
          <p className={classes.says}>There are no durations to compare by.</p>
        ) : (
          <p className={classes.says} role="status">
            Comparing all attributes…
          </p>
        )}
      </div>
    </section>
  );
}

/** How many were looked at; of a sample there are more. */
const lookedAt = (count: number, is: Comparison['selectedIs']): string =>
  `${is === 'sample' ? 'at least ' : ''}${formatCount(count)}`;

function Values(props: {
  data: Comparison;
  answer: Answer<unknown> | undefined;
  compared: Compared | undefined;
  onNarrow: (condition: string) => void;
}) {
  const { data, answer, compared, onNarrow } = props;
  const told = differing(data, compared?.own ?? []);
  if (told.length === 0) {
    return (
      <>
        <IncompleteNote answer={answer} />
        <p className={classes.says}>{nothingDiffers(data)}</p>
      </>
    );
  }
  return (
    <>
      <IncompleteNote answer={answer} />
      <table className={classes.table}>
        <thead>
          <tr>
            <th style={{ width: '26%' }}>Field</th>
            <th>Value</th>
            <th style={{ width: '20%' }}>Of the selection</th>
            <th style={{ width: '20%' }}>Of the others</th>
            <th style={{ width: 92 }} aria-label="Filter" />
          </tr>
        </thead>
        <tbody>
          {told.map((one) => (
            <Row key={one.id} told={one} data={data} onNarrow={onNarrow} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function nothingDiffers({ selected, baseline }: Comparison): string {
  if (selected === 0) return 'Nothing is selected: nothing here meets it.';
  if (baseline === 0) return 'There is nothing else to compare the selection with.';
  return 'No value is clearly more frequent in one of the two.';
}

function Row({ told, data, onNarrow }: { told: Told; data: Comparison; onNarrow: (condition: string) => void }) {
  const { field, value } = told.of;
  return (
    <tr>
      <td className={classes.field} title={field}>
        <bdi className="mono">{field.replace(/^attributes\./, '')}</bdi>
      </td>
      <td className={classes.value} title={told.text}>
        <bdi>{told.text}</bdi>
      </td>
      <td>
        <Part part={told.selected} count={told.of.selected} of={data.selected} selected />
      </td>
      <td>
        <Part part={told.baseline} count={told.of.baseline} of={data.baseline} />
      </td>
      <td className={classes.acts}>
        {[true, false].map((wanted) => {
          const condition = ofValue(field, value, wanted);
          if (condition === undefined) return null;
          const label = `${wanted ? 'Only' : 'Without'} ${field} ${told.text}`;
          return (
            <Tooltip key={String(wanted)} label={wanted ? 'Only these' : 'Without these'}>
              <ActionIcon
                size={24}
                variant="subtle"
                color="brand"
                aria-label={label.slice(0, 120)}
                onClick={() => onNarrow(condition)}
              >
                {wanted ? <IconEqual size={15} /> : <IconEqualNot size={15} />}
              </ActionIcon>
            </Tooltip>
          );
        })}
      </td>
    </tr>
  );
}

function Part(props: { part: number; count: number; of: number; selected?: boolean }) {
  const { part, count, of, selected } = props;
  return (
    <span className={classes.part} title={`${count.toLocaleString('en-US')} of ${plural(of, 'span')}`}>
      <span>{formatPercent(part)}</span>
      <span className={classes.bar} data-selected={selected} aria-hidden>
        <span style={{ width: `${part * 100}%` }} />
      </span>
    </span>
  );
}
