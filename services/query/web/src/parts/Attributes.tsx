import { ActionIcon, Tooltip } from '@mantine/core';
import { IconZoomScan } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { Attribute, Value } from '../api/model';
import { conditionText } from '../filter/condition';
import classes from './Attributes.module.css';
import { Copy } from './Copy';
import { typeLabel, valueBlock, valueText, webAddress } from './value';

interface Props {
  attributes: readonly Attribute[];
  dropped?: number;
  /** Where "find others with this value" leads, and what stands before the key there ("resource."). */
  find?: { page: '/traces' | '/logs'; prefix?: string };
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
  const where = find === undefined ? undefined : condition(`${find.prefix ?? ''}${key}`, value);
  return (
    <div className={classes.row} role="row">
      <span className={classes.key} role="rowheader" title={key}>
        {key}
      </span>
      <span className={classes.value} role="cell" data-type={value.type}>
        <ValueView value={value} />
      </span>
      <span className={classes.actions} role="cell">
        <span className={classes.type}>{typeLabel[value.type]}</span>
        {where !== undefined && find !== undefined && (
          <Tooltip label={`Find ${find.page.slice(1)} with this value`}>
            <ActionIcon
              size={20}
              variant="subtle"
              color="gray"
              aria-label={`Find ${find.page.slice(1)} with ${key}=${text}`}
              renderRoot={(props) => <Link to={find.page} search={{ where: [where] }} {...props} />}
            >
              <IconZoomScan size={13} />
            </ActionIcon>
          </Tooltip>
        )}
        <Copy text={text} label="Copy value" />
      </span>
    </div>
  );
}

function condition(key: string, value: Value): string | undefined {
  return value.type === 'string' || value.type === 'int' || value.type === 'bool' || value.type === 'double'
    ? conditionText(key, value.value)
    : undefined;
}

export function ValueView({ value }: { value: Value }) {
  if (value.type === 'empty') return <i>no value</i>;
  if (value.type === 'string') {
    if (value.value === '') return <i>empty string</i>;
    const address = webAddress(value.value);
    if (address !== undefined) {
      return (
        <a href={address} target="_blank" rel="noopener noreferrer">
          {address}
        </a>
      );
    }
  }
  return valueBlock(value);
}
