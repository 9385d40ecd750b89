// Which spans are looked for: by a text, by their service, or by both.

import { useMemo, useState } from 'react';
import { matches, type Node, type Tree } from './tree';

/** The nodes that meet both, in the order of the waterfall; undefined where nothing is looked for. */
export function findNodes(tree: Tree, text: string, service: string | undefined): readonly Node[] | undefined {
  const needle = text.trim();
  if (needle === '' && service === undefined) return undefined;
  return tree.nodes.filter(
    ({ span }) => (needle === '' || matches(span, needle)) && (service === undefined || span.service === service),
  );
}

export interface Finding {
  text: string;
  setText: (text: string) => void;
  /** The service whose spans stand out. */
  service: string | undefined;
  setService: (service: string | undefined) => void;
  found: readonly Node[] | undefined;
  /** The same, by index. */
  indices: ReadonlySet<number> | undefined;
}

export function useFinding(tree: Tree): Finding {
  const [text, setText] = useState('');
  const [service, setService] = useState<string>();
  const found = useMemo(() => findNodes(tree, text, service), [tree, text, service]);
  const indices = useMemo(() => (found === undefined ? undefined : new Set(found.map((n) => n.index))), [found]);
  return { text, setText, service, setService, found, indices };
}
