// The catalogue as folders: metrics whose names begin alike stand together.

import type { CatalogueMetric } from '../../api/model';

export type CatalogueRow =
  | { kind: 'folder'; path: string; depth: number; metrics: number; series: number; open: boolean }
  | { kind: 'metric'; entry: CatalogueMetric; depth: number };

interface Folder {
  path: string;
  folders: Map<string, Folder>;
  metrics: CatalogueMetric[];
}

/** Names with dots are parted by them, as OpenTelemetry names metrics; others by underscores, as Prometheus does. */
function prefixesOf(name: string): string[] {
  const mark = name.includes('.') ? '.' : '_';
  const prefixes: string[] = [];
  for (
    let at = name.indexOf(mark, 1);
    at > 0 && at < name.length - 1 && prefixes.length < deepest;
    at = name.indexOf(mark, at + 1)
  )
    prefixes.push(name.slice(0, at + 1));
  return prefixes;
}

/** Folders within folders, at most. */
const deepest = 6;

/** A folder of fewer is none: its metrics stand where it would. */
const fewest = 2;

function treeOf(metrics: readonly CatalogueMetric[]): Folder {
  const root: Folder = { path: '', folders: new Map(), metrics: [] };
  for (const entry of metrics) {
    let at = root;
    for (const path of prefixesOf(entry.metric.name)) {
      let next = at.folders.get(path);
      if (next === undefined) at.folders.set(path, (next = { path, folders: new Map(), metrics: [] }));
      at = next;
    }
    at.metrics.push(entry);
  }
  return simple(root);
}

/** Without folders of one metric, and without those that hold one folder and no more. */
function simple(folder: Folder): Folder {
  const folders = new Map<string, Folder>();
  const metrics = [...folder.metrics];
  for (const one of folder.folders.values()) {
    const inner = simple(one);
    const [only] = inner.folders.values();
    if (allOf(inner).length < fewest) metrics.push(...allOf(inner));
    else if (inner.metrics.length === 0 && inner.folders.size === 1 && only !== undefined) folders.set(only.path, only);
    else folders.set(inner.path, inner);
  }
  return { path: folder.path, folders, metrics };
}

const allOf = ({ folders, metrics }: Folder): CatalogueMetric[] => [
  ...metrics,
  ...[...folders.values()].flatMap(allOf),
];

const nameOf = ({ metric: { name } }: CatalogueMetric) => name;

/** The rows of a list: folders with what is in those that are open, by name. */
export function folderRows(metrics: readonly CatalogueMetric[], isOpen: (path: string) => boolean): CatalogueRow[] {
  const rows: CatalogueRow[] = [];
  const add = (folder: Folder, depth: number) => {
    const items = [
      ...[...folder.folders.values()].map((of) => ({ name: of.path, of, entry: undefined })),
      ...folder.metrics.map((entry) => ({ name: nameOf(entry), of: undefined, entry })),
    ].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    for (const { of, entry } of items) {
      if (of === undefined) {
        rows.push({ kind: 'metric', entry, depth });
        continue;
      }
      const within = allOf(of);
      const open = isOpen(of.path);
      const series = within.reduce((sum, one) => sum + one.series, 0);
      rows.push({ kind: 'folder', path: of.path, depth, metrics: within.length, series, open });
      if (open) add(of, depth + 1);
    }
  };
  add(treeOf(metrics), 0);
  return rows;
}

/** Catalogues of so many metrics have their folders open: they can be looked through. */
const openUpTo = 150;

/** Whether a folder is open, of which somebody may have turned some over. */
export const opens = (metrics: number, turned: readonly string[]) => {
  const usual = metrics <= openUpTo;
  const others = new Set(turned);
  return (path: string) => others.has(path) !== usual;
};
