import { describe, expect, it } from 'vitest';
import type { CatalogueMetric } from '../../api/model';
import { folderRows, opens } from './folders';

const entry = (name: string, series = 1): CatalogueMetric => ({
  metric: { name, type: 'gauge', unit: '', description: '', temporality: 'unspecified', monotonic: false },
  series,
  seriesEstimated: false,
  points: 1,
  services: [],
  attributeKeys: [],
  lastTime: 0n,
  quantiles: [],
});
const shown = (names: string[], open: (path: string) => boolean = () => true) =>
  folderRows(
    names.map((name) => entry(name, 2)),
    open,
  ).map((row) =>
    row.kind === 'folder'
      ? `${'  '.repeat(row.depth)}${row.open ? '-' : '+'} ${row.path} ${row.metrics}/${row.series}`
      : `${'  '.repeat(row.depth)}${row.entry.metric.name}`,
  );

describe('the catalogue as folders', () => {
  it('puts together what begins alike, and leaves out folders that tell nothing', () => {
    expect(
      shown(['http.server.duration', 'http.server.active', 'http.client.duration', 'jvm.memory.used', 'up']),
    ).toEqual([
      '- http. 3/6',
      '  http.client.duration',
      '  - http.server. 2/4',
      '    http.server.active',
      '    http.server.duration',
      'jvm.memory.used',
      'up',
    ]);
    expect(shown(['db.client.pool.idle', 'db.client.pool.used'])[0]).toBe('- db.client.pool. 2/4');
  });

  it('parts names of Prometheus by their underscores', () => {
    expect(shown(['node_cpu_seconds', 'node_memory_bytes', 'go_gc'], () => false)).toEqual(['go_gc', '+ node_ 2/4']);
  });

  it('keeps two metrics of one name apart, and takes whatever names there are', () => {
    expect(shown(['queue', 'queue'])).toEqual(['queue', 'queue']);
    expect(shown(['__proto__', 'constructor', '', '.', '...', '_', 'a..b', 'a..c'])).toContain('- a.. 2/4');
    expect(shown([`${'x.'.repeat(5_000)}a`, `${'x.'.repeat(5_000)}b`])).toHaveLength(3);
  });

  it('shows folders open where there are few metrics, but for those that somebody turned over', () => {
    expect(opens(20, ['http.'])('db.')).toBe(true);
    expect(opens(20, ['http.'])('http.')).toBe(false);
    expect(opens(20_000, ['http.'])('db.')).toBe(false);
    expect(opens(20_000, ['http.'])('http.')).toBe(true);
  });

  it('of very many metrics is as long as what is open', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => entry(`s${i % 40}.part${i % 400}.metric${i}`));
    expect(folderRows(many, () => false)).toHaveLength(40);
  });
});
