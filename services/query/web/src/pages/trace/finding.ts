// Which spans are looked for: by a text, by their service, or by both.

import { useDeferredValue, useEffect, useMemo, useState } from 'react';
import { useAddress } from './address';
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
  /** As of now, where what was typed last is not in `found` yet. */
  look: () => readonly Node[];
  /** The same, by index. */
  indices: ReadonlySet<number> | undefined;
}

/** Milliseconds without another letter after which the address says what is looked for. */
const pause = 300;

export function useFinding(tree: Tree): Finding {
  const { address, change } = useAddress();
  const { service } = address;
  const [text, setText] = useState(address.find ?? '');
  // What the address says that was not written here is looked for: a link within the page, or Back.
  const [written, setWritten] = useState(address.find ?? '');
  const [known, setKnown] = useState(address.find);
  if (known !== address.find) {
    setKnown(address.find);
    if ((address.find ?? '') !== written) {
      setText(address.find ?? '');
      setWritten(address.find ?? '');
    }
  }
  // What is typed shows at once, and is looked for when there is time: a trace may have fifty thousand spans.
  const looked = useDeferredValue(text);
  const found = useMemo(() => findNodes(tree, looked, service), [tree, looked, service]);
  const indices = useMemo(() => (found === undefined ? undefined : new Set(found.map((n) => n.index))), [found]);
  useEffect(() => {
    if (text === (address.find ?? '')) return;
    const timer = window.setTimeout(() => {
      setWritten(text);
      change({ find: text });
    }, pause);
    return () => window.clearTimeout(timer);
  }, [text, address.find, change]);
  const setService = (next: string | undefined) => change({ service: next });
  const look = () => (looked === text ? found : findNodes(tree, text, service)) ?? [];
  return { text, setText, service, setService, found, look, indices };
}
