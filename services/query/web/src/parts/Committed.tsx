import { useState, type ReactNode } from 'react';

export interface Field {
  value: string;
  set: (text: string) => void;
  commit: (text: string) => void;
}

interface Props {
  value: string;
  commit: (text: string) => void;
  children: (field: Field) => ReactNode;
}

/**
 * A field whose text counts only once it is committed (Enter, leaving it, choosing): typing must not search at every
 * letter. A value that changes from outside replaces the text.
 */
export function Committed({ value, commit, children }: Props) {
  const [text, setText] = useState(value);
  const [last, setLast] = useState(value);
  if (last !== value) {
    setLast(value);
    setText(value);
  }
  return children({
    value: text,
    set: setText,
    commit: (final) => {
      setText(final);
      if (final !== value) commit(final);
    },
  });
}
