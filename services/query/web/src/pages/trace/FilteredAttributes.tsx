import { TextInput } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import { useMemo, useState, type ComponentProps } from 'react';
import type { Attribute } from '../../api/model';
import { Attributes } from '../../parts/Attributes';
import { valueText } from '../../parts/value';
import classes from './SpanPanel.module.css';

/** The attributes whose key or value has the text in it, case aside. */
export function attributesWith(attributes: readonly Attribute[], text: string): readonly Attribute[] {
  const needle = text.trim().toLowerCase();
  if (needle === '') return attributes;
  return attributes.filter(({ key, value }) => `${key}=${valueText(value)}`.toLowerCase().includes(needle));
}

/** So few need no filter. */
const few = 6;

/** Attributes with a box that leaves those with a text. */
export function FilteredAttributes({ attributes, ...rest }: ComponentProps<typeof Attributes>) {
  const [text, setText] = useState('');
  const shown = useMemo(() => attributesWith(attributes, text), [attributes, text]);
  if (attributes.length <= few) return <Attributes attributes={attributes} {...rest} />;
  return (
    <>
      <TextInput
        size="xs"
        m="4px 8px 6px"
        aria-label="Filter attributes"
        placeholder={`Filter ${attributes.length} attributes by key or value`}
        leftSection={<IconFilter size={13} />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {shown.length === 0 ? (
        <p className={classes.none}>None of them has this text.</p>
      ) : (
        <Attributes attributes={shown} {...rest} />
      )}
    </>
  );
}
