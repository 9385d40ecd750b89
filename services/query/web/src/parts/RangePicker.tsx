import { Button, Popover, TextInput } from '@mantine/core';
import { IconChevronDown, IconClock } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { useSetTimeRange, useTimeRange } from '../route/time';
import { instantToMillis } from '../time/instant';
import { presets, rangeLabel, resolveRange, type TimeRange } from '../time/range';
import classes from './RangePicker.module.css';

/** Chooses the time range of a page: a sliding one from a list, or two fixed ends. The address holds the choice. */
export function RangePicker() {
  const range = useTimeRange();
  const setRange = useSetTimeRange();
  const [opened, setOpened] = useState(false);
  const choose = (next: TimeRange) => {
    setRange(next);
    setOpened(false);
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Button
          variant="default"
          size="xs"
          className={classes.target}
          leftSection={<IconClock size={14} />}
          rightSection={<IconChevronDown size={13} />}
          onClick={() => setOpened((o) => !o)}
          aria-label={`Time range: ${rangeLabel(range)}`}
        >
          {rangeLabel(range)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p={0}>
        <div className={classes.panel}>
          <div className={classes.presets} role="group" aria-label="Sliding ranges">
            {presets.map((preset) => (
              <button
                key={preset.id}
                type="button"
                className={classes.preset}
                aria-pressed={range.kind === 'sliding' && range.preset === preset.id}
                onClick={() => choose({ kind: 'sliding', preset: preset.id })}
              >
                {preset.label}
              </button>
            ))}
          </div>
          <FixedRange key={String(opened)} range={range} choose={choose} />
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

function FixedRange({ range, choose }: { range: TimeRange; choose: (range: TimeRange) => void }) {
  const [initial] = useState(() => resolveRange(range, Date.now()));
  const [from, setFrom] = useState(() => localInput(instantToMillis(initial.from)));
  const [to, setTo] = useState(() => localInput(instantToMillis(initial.to)));
  const start = new Date(from);
  const end = new Date(to);
  const problem =
    Number.isNaN(start.getTime()) || Number.isNaN(end.getTime())
      ? 'Enter both ends'
      : start >= end
        ? 'The range must end after it starts'
        : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (problem === undefined) choose({ kind: 'fixed', from: start, to: end });
  };
  return (
    <form className={classes.fixed} onSubmit={submit}>
      <h3>Fixed range</h3>
      <TextInput
        size="xs"
        type="datetime-local"
        step={1}
        label="From"
        value={from}
        onChange={(e) => setFrom(e.currentTarget.value)}
      />
      <TextInput
        size="xs"
        type="datetime-local"
        step={1}
        label="To"
        value={to}
        error={problem}
        onChange={(e) => setTo(e.currentTarget.value)}
      />
      <Button type="submit" size="xs" disabled={problem !== undefined} fullWidth>
        Apply
      </Button>
      <p>Times are local: {Intl.DateTimeFormat().resolvedOptions().timeZone}</p>
    </form>
  );
}

/** What <input type="datetime-local"> wants: local time without a zone. */
function localInput(millis: number): string {
  const d = new Date(millis - new Date(millis).getTimezoneOffset() * 60_000);
  return d.toISOString().slice(0, 19);
}
