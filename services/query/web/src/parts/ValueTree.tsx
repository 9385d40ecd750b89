import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useState } from 'react';
import type { Value } from '../api/model';
import { Marked } from './Marked';
import { label, room } from './shown';
import { LongText, Text } from './Text';
import { valueText } from './value';
import classes from './ValueTree.module.css';

/** Members of a list or a map that are shown at first, and more at each click. */
const step = 100;

interface Props {
  value: Value;
  marks?: RegExp | undefined;
}

/** A list or a map as a tree: what lies deeper is folded until it is opened. */
export function ValueTree({ value, marks }: Props) {
  return (
    <div className={classes.tree}>
      <Members value={value} marks={marks} />
    </div>
  );
}

interface Member {
  key: string;
  value: Value;
}

const membersOf = (value: Value): readonly Member[] =>
  value.type === 'map'
    ? value.entries
    : value.type === 'array'
      ? value.items.map((item, i) => ({ key: String(i), value: item }))
      : [];

function Members({ value, marks }: Props) {
  const [shown, setShown] = useState(step);
  const members = membersOf(value);
  const rest = members.length - shown;
  return (
    <ul>
      {members.slice(0, shown).map((member, i) => (
        <li key={i}>
          <Node member={member} marks={marks} />
        </li>
      ))}
      {rest > 0 && (
        <li>
          <button type="button" className={classes.more} onClick={() => setShown(shown + step)}>
            {rest.toLocaleString('en-US')} more
          </button>
        </li>
      )}
    </ul>
  );
}

function Node({ member: { key, value }, marks }: { member: Member; marks: RegExp | undefined }) {
  const [open, setOpen] = useState(false);
  const inner = value.type === 'map' || value.type === 'array' ? membersOf(value).length : undefined;
  const name = (
    <span className={classes.key}>
      <Text of={key} />
    </span>
  );
  if (inner === undefined) {
    return (
      <span className={classes.leaf}>
        {name}: <Leaf value={value} marks={marks} />
      </span>
    );
  }
  const Chevron = open ? IconChevronDown : IconChevronRight;
  return (
    <>
      <button
        type="button"
        className={classes.fold}
        aria-expanded={open}
        aria-label={`${label(key)}: ${inner} members`}
        onClick={() => setOpen(!open)}
      >
        <Chevron size={12} stroke={2.2} aria-hidden />
        {name}
        {!open && (
          <span className={classes.preview}>
            <Marked of={valueText(value)} marks={marks} most={room.label} />
          </span>
        )}
        <small>{value.type === 'map' ? `{${inner}}` : `[${inner}]`}</small>
      </button>
      {open && <Members value={value} marks={marks} />}
    </>
  );
}

/** A value that holds no others; a long text opens by itself. */
function Leaf({ value, marks }: { value: Value; marks: RegExp | undefined }) {
  const text = valueText(value);
  if (value.type === 'empty') return <i>null</i>;
  if (text.length > room.line) return <LongText of={text} lines={4} />;
  return (
    <span data-type={value.type} className={classes.value}>
      <Marked of={text} marks={marks} />
    </span>
  );
}
