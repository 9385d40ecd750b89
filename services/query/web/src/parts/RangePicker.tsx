import { ActionIcon, Button, Popover, Select, TextInput, Tooltip } from '@mantine/core';
import { IconCalendar, IconChevronDown, IconClock, IconZoomOut } from '@tabler/icons-react';
import { useRef, useState, type FormEvent } from 'react';
import { useSetTimeRange, useTimeRange } from '../route/time';
import { instantToMillis } from '../time/instant';
import { momentExamples, momentFromText, momentToText } from '../time/moment';
import {
  lengthFromText,
  lengthLabel,
  presets,
  rangeLabel,
  rangeToSearch,
  resolveRange,
  sameRange,
  widened,
  type TimeRange,
} from '../time/range';
import { useNow } from '../time/now';
import { allZones, offsetText, zoneName } from '../time/zone';
import { useShortcut } from './Keyboard';
import classes from './RangePicker.module.css';
import { recentRanges, rememberRange } from './recentRanges';
import { browserZone, useZone, zone } from './zone';

/** Chooses the time range of a page, and the zone that all times are told in. The address holds the range, the browser the zone. */
export function RangePicker() {
  const range = useTimeRange();
  const setRange = useSetTimeRange();
  const [opened, setOpened] = useState(false);
  useZone();
  const now = useNow(60_000);
  const choose = (next: TimeRange) => {
    rememberRange(next);
    setRange(next);
    setOpened(false);
  };
  const zoomOut = () => setRange(widened(range, Date.now()));
  useShortcut('z', 'Zoom out: twice the time range', zoomOut);
  useShortcut('d', 'Choose the time range', () => setOpened(true));
  const label = rangeLabel(range);
  const offset = offsetText(range.kind === 'fixed' ? range.from.getTime() : now);
  return (
    <Button.Group>
      <Tooltip label="Zoom out">
        <Button variant="default" size="xs" px={9} className={classes.out} onClick={zoomOut} aria-label="Zoom out">
          <IconZoomOut size={15} />
        </Button>
      </Tooltip>
      <Popover opened={opened} onChange={setOpened} position="bottom-end" trapFocus returnFocus>
        <Popover.Target>
          <Button
            variant="default"
            size="xs"
            className={classes.target}
            leftSection={<IconClock size={14} />}
            rightSection={<IconChevronDown size={13} />}
            onClick={() => setOpened((o) => !o)}
            aria-label={`Time range: ${label} ${offset}, ${zoneName()}`}
            title={`Times are told in ${zoneName()}`}
          >
            <span className={classes.label}>{label}</span> <small>{offset}</small>
          </Button>
        </Popover.Target>
        <Popover.Dropdown p={0} aria-label="Time range">
          {opened && <Panel range={range} choose={choose} />}
        </Popover.Dropdown>
      </Popover>
    </Button.Group>
  );
}

function Panel({ range, choose }: { range: TimeRange; choose: (range: TimeRange) => void }) {
  const recent = recentRanges();
  const entry = (of: TimeRange) => (
    <button
      key={JSON.stringify(rangeToSearch(of))}
      type="button"
      className={classes.preset}
      aria-pressed={sameRange(of, range)}
      onClick={() => choose(of)}
    >
      {rangeLabel(of)}
    </button>
  );
  return (
    <div className={classes.panel}>
      <div className={classes.presets}>
        <div role="group" aria-label="Sliding ranges">
          {presets.map((last) => entry({ kind: 'sliding', last }))}
        </div>
        {recent.length > 0 && (
          <div role="group" aria-label="Recent ranges" className={classes.recent}>
            <h3>Recent</h3>
            {recent.map(entry)}
          </div>
        )}
      </div>
      <div className={classes.forms}>
        <Relative choose={choose} />
        <FixedRange range={range} choose={choose} />
        <Zone />
      </div>
    </div>
  );
}

const letters = /^(\d+) ?(m|h|d|w)[a-z]*$/i;

/** A sliding range of any length. */
function Relative({ choose }: { choose: (range: TimeRange) => void }) {
  const [text, setText] = useState('');
  const [, digits = '', letter = ''] = letters.exec(text.trim().replace(/^last /i, '')) ?? [];
  const last = lengthFromText(digits + letter.toLowerCase());
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        if (last !== undefined) choose({ kind: 'sliding', last });
      }}
    >
      <TextInput
        size="xs"
        label="The last"
        placeholder="90m, 36h, 3 days, 2w"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        error={text.trim() !== '' && last === undefined ? 'Minutes, hours, days or weeks: 90m' : undefined}
        rightSectionWidth={52}
        rightSection={
          last !== undefined && (
            <Button type="submit" size="compact-xs" variant="light" aria-label={lengthLabel(last)}>
              Apply
            </Button>
          )
        }
      />
    </form>
  );
}

function FixedRange({ range, choose }: { range: TimeRange; choose: (range: TimeRange) => void }) {
  const [initial] = useState(() => resolveRange(range, Date.now()));
  const [from, setFrom] = useState(() => momentToText(Math.floor(instantToMillis(initial.from) / 1000) * 1000));
  const [to, setTo] = useState(() => momentToText(Math.ceil(instantToMillis(initial.to) / 1000) * 1000));
  const [now] = useState(() => Date.now());
  const start = momentFromText(from, now);
  const end = momentFromText(to, now);
  const problem =
    start !== undefined && end !== undefined && start >= end ? 'The range must end after it starts' : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (start !== undefined && end !== undefined && problem === undefined)
      choose({ kind: 'fixed', from: new Date(start), to: new Date(end) });
  };
  return (
    <form className={classes.form} onSubmit={submit}>
      <Moment label="From" text={from} millis={start} onText={setFrom} />
      <Moment label="To" text={to} millis={end} onText={setTo} problem={problem} />
      <Button
        type="submit"
        size="xs"
        disabled={start === undefined || end === undefined || problem !== undefined}
        fullWidth
      >
        Apply
      </Button>
      <p>Or {momentExamples.join(', ')}</p>
    </form>
  );
}

interface MomentProps {
  label: string;
  text: string;
  /** What the text says; undefined where it cannot be read. */
  millis: number | undefined;
  onText: (text: string) => void;
  problem?: string | undefined;
}

/** A moment that is typed or picked. The browser's calendar knows no zone: what it shows is what the clock of the chosen one shows. */
function Moment({ label, text, millis, onText, problem }: MomentProps) {
  const picker = useRef<HTMLInputElement>(null);
  return (
    <div className={classes.moment}>
      <TextInput
        size="xs"
        label={label}
        value={text}
        spellCheck={false}
        autoComplete="off"
        error={millis === undefined ? 'No moment can be read here' : problem}
        onChange={(event) => onText(event.currentTarget.value)}
        rightSection={
          <ActionIcon
            size={24}
            variant="subtle"
            color="gray"
            aria-label={`Pick the ${label.toLowerCase()} end`}
            onClick={() => picker.current?.showPicker()}
          >
            <IconCalendar size={14} />
          </ActionIcon>
        }
      />
      <input
        ref={picker}
        type="datetime-local"
        step={1}
        tabIndex={-1}
        aria-hidden
        value={millis === undefined ? '' : momentToText(millis).slice(0, 19).replace(' ', 'T')}
        onChange={(event) => {
          if (event.currentTarget.value !== '') onText(event.currentTarget.value.replace('T', ' '));
        }}
      />
    </div>
  );
}

/** The zone that times are told in, here and everywhere. */
function Zone() {
  const chosen = useZone();
  const [now] = useState(() => Date.now());
  const browser = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <Select
      size="xs"
      label="Time zone"
      searchable
      limit={40}
      allowDeselect={false}
      comboboxProps={{ withinPortal: false }}
      nothingFoundMessage="No zone has this name"
      data={[
        { value: browserZone, label: `This browser's: ${browser}` },
        ...allZones().map((name) => ({ value: name, label: name })),
      ]}
      value={chosen}
      onChange={(next) => zone.set(next ?? browserZone)}
      description={`${zoneName()} is ${offsetText(now)}; now ${momentToText(now).slice(11, 16)}`}
    />
  );
}
