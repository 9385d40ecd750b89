import { IconFilter } from '@tabler/icons-react';
import type { Attribute, Signal, Value } from '../api/model';
import classes from './Attributes.module.css';
import { Copy } from './Copy';
import { literalOf, Pointable } from './query/pointing';
import { hint, label, room, shownText } from './shown';
import { LongText } from './Text';
import { typeLabel, valueBlock, valueText, webAddress } from './value';

interface Props {
  attributes: readonly Attribute[];
  dropped?: number;
  /** What can be asked for by these values, and what stands before the key there ("resource."). */
  find?: { signal: Signal; prefix: string };
}

/** Keys and typed values, in alphabetical order, each to copy and to search by. */
export function Attributes({ attributes, dropped = 0, find }: Props) {
  if (attributes.length === 0 && dropped === 0) return <p className={classes.none}>None</p>;
  const sorted = attributes.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return (
    <div className={classes.table} role="table">
      {sorted.map((attribute, i) => (
        <Row key={`${attribute.key} ${i}`} attribute={attribute} find={find} />
      ))}
      {dropped > 0 && <p className={classes.none}>{dropped} more were dropped before they were sent.</p>}
    </div>
  );
}

function Row({ attribute: { key, value }, find }: { attribute: Attribute; find: Props['find'] }) {
  const text = valueText(value);
  const literal = literalOf(value);
  return (
    <div className={classes.row} role="row">
      <span className={classes.key} role="rowheader" title={hint(key)}>
        <LongText of={key} lines={3} />
      </span>
      <span className={classes.value} role="cell" data-type={value.type}>
        <ValueView value={value} />
      </span>
      <span className={classes.actions} role="cell">
        <span className={classes.type}>{typeLabel[value.type]}</span>
        {find !== undefined && literal !== undefined && (
          <Pointable signal={find.signal} field={find.prefix + key} value={literal} shown={label(text)}>
            <IconFilter size={13} aria-hidden />
          </Pointable>
        )}
        <Copy text={text} label="Copy value" />
      </span>
    </div>
  );
}

export function ValueView({ value }: { value: Value }) {
  if (value.type === 'empty') return <i>no value</i>;
  if (value.type === 'string') {
    const address = webAddress(value.value);
    if (address !== undefined) {
      return (
        <a href={address} target="_blank" rel="noopener noreferrer">
          {shownText(address, room.hint)}
        </a>
      );
    }
  }
  return <LongText of={valueBlock(value)} lines={12} empty="empty string" />;
}
