// A metric as a file: as a table, as JSON, and as a picture.

import type { Answer, Metric, MetricLines } from '../../api/model';
import type { Bounds } from '../../time/range';
import { bucketEdges } from '../../parts/timeline';
import { formatUTC } from '../../time/instant';
import { valueText } from '../../parts/value';
import { quantileLabel, type Line } from './lines';

export interface Shown {
  metric: Metric;
  answer: MetricLines;
  told: Answer<unknown>;
  bounds: Bounds;
  lines: readonly Line[];
  /** What is shown of the metric: "Rate, sum". */
  what: string;
}

const iso = (millis: number): string => new Date(millis).toISOString();

/** When each bucket begins. */
const starts = ({ answer }: Pick<Shown, 'answer'>): string[] => bucketEdges(answer.timeline).slice(0, -1).map(iso);

/** A field of a table. A spreadsheet takes a text that begins like a formula for one, and whoever sends may name a label. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A row for each bucket, a column for each line; of a heatmap one for each of its rows, by their upper ends. */
export function toCSV(shown: Shown): string {
  const { lines, answer } = shown;
  const heats = answer.lines.flatMap(({ histogram, values }) =>
    histogram === undefined
      ? []
      : [{ histogram, group: values.map((v) => (v === undefined ? 'none' : valueText(v))).join(', ') }],
  );
  const columns =
    heats.length > 0
      ? heats.flatMap(({ histogram: { edges, counts }, group }) =>
          edges.slice(1).map((edge, row) => ({
            name: `${group === '' ? '' : `${group} `}<= ${edge}`,
            at: (bucket: number) => counts[bucket]?.[row],
          })),
        )
      : lines.map(({ label, values }) => ({ name: label, at: (bucket: number) => values[bucket] }));
  const head = ['time', ...columns.map(({ name }) => field(name))].join(',');
  const rows = starts(shown).map((time, i) => [time, ...columns.map(({ at }) => at(i) ?? '')].join(','));
  return [head, ...rows, ''].join('\r\n');
}

/** All that the page knows, with what it was asked by. */
export function toJSON(shown: Shown): string {
  const { metric, answer, told, bounds, lines, what } = shown;
  const { other, exemplars } = answer;
  const document = {
    metric: { name: metric.name, type: metric.type, unit: metric.unit, description: metric.description },
    shows: what,
    range: { from: formatUTC(bounds.from), to: formatUTC(bounds.to), step_seconds: answer.timeline.stepSeconds },
    complete_until: told.completeness.watermark?.toISOString(),
    incomplete: told.incomplete,
    times: starts(shown),
    lines: lines.map((line) => ({
      name: line.label,
      labels: line.labels.map(([key, value]) => ({ field: key, value: value ?? null })),
      ...(line.quantile === undefined ? {} : { quantile: quantileLabel(line.quantile) }),
      series: line.series,
      values: line.values.map((value) => value ?? null),
    })),
    heatmaps: answer.lines.flatMap(({ histogram, values }) =>
      histogram === undefined
        ? []
        : [
            {
              group: values.map((value) => (value === undefined ? null : valueText(value))),
              // JSON has no infinities.
              edges: histogram.edges.map((edge) => (Number.isFinite(edge) ? edge : String(edge))),
              counts: histogram.counts.map((counts) => counts ?? null),
            },
          ],
    ),
    ...(other === undefined
      ? {}
      : {
          others: {
            lines: other.lines,
            least: other.min.map((value) => value ?? null),
            greatest: other.max.map((value) => value ?? null),
          },
        }),
    exemplars: exemplars.map((of) => ({
      time: formatUTC(of.time),
      value: of.value,
      trace_id: of.traceId,
      span_id: of.spanId,
    })),
  };
  return JSON.stringify(document, null, 2);
}

/** What a file is called, whatever the metric is. */
export const fileName = (name: string, ending: string): string =>
  `${
    name
      .replace(/[^\p{L}\p{N}._-]+/gu, '_')
      .replace(/^[._]+/, '')
      .slice(0, 100) || 'metric'
  }.${ending}`;

/** Has the browser keep a file. */
export function keep(name: string, content: Blob): void {
  const link = document.createElement('a');
  const address = URL.createObjectURL(content);
  link.href = address;
  link.download = name;
  link.click();
  // Not at once: the browser may not have begun.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
