// The chart as a picture: what the page draws, drawn once more where it can be kept, with its title and its legend.

import {
  bandPath,
  bucketsOf,
  extentOf,
  linePath,
  scaleOf,
  valueScale,
  type Band,
  type PlotBox,
} from '../../parts/chartLayout';
import { placeOfCell, shade } from '../../parts/heat';
import { isolated } from '../../parts/shown';
import type { Unit } from '../../parts/unit';
import { clockTicks, type Tick } from '../../time/axis';
import { formatInstant, instantToMillis } from '../../time/instant';
import type { Shown } from './download';
import { edgeTicks, layoutMetricHeat } from './heat';

const size = { width: 1_200, plot: 420, left: 90, right: 30, top: 84, legend: 22 };
/** Lines that the legend names. */
const mostNamed = 20;

interface Drawing {
  shown: Shown;
  unit: Unit;
  anywhere: boolean;
}

/** As PNG, by the colours that the page has just now. */
export async function toPNG(drawing: Drawing): Promise<Blob> {
  const { shown, unit } = drawing;
  const heat = shown.answer.lines.find(({ histogram }) => histogram !== undefined)?.histogram;
  const named = heat === undefined ? shown.lines.slice(0, mostNamed) : [];
  const canvas = document.createElement('canvas');
  // Twice as fine as it is large, to be looked at closely.
  const fine = 2;
  const height = size.top + size.plot + 44 + named.length * size.legend + 16;
  canvas.width = size.width * fine;
  canvas.height = height * fine;
  const ink = canvas.getContext('2d');
  if (ink === null) throw new Error('this browser draws no pictures');
  ink.scale(fine, fine);
  const style = getComputedStyle(document.documentElement);
  const colour = (of: string) => (of.startsWith('var(') ? style.getPropertyValue(of.slice(4, -1)).trim() : of);
  const text = (what: string, x: number, y: number, of: string, font: string, align: CanvasTextAlign = 'left') => {
    ink.fillStyle = colour(of);
    ink.font = `${font} "Inter Variable", sans-serif`;
    ink.textAlign = align;
    ink.fillText(what, x, y);
  };
  ink.fillStyle = colour('var(--surface-1)');
  ink.fillRect(0, 0, size.width, height);
  text(isolated(shown.metric.name, 100), 24, 34, 'var(--ink)', '600 19px');
  const { from, to } = shown.bounds;
  const range = `${formatInstant(from, 0)} to ${formatInstant(to, 0)}`;
  text([shown.what, unit.name, range].filter(Boolean).join(' · '), 24, 58, 'var(--ink-2)', '13px');

  const box = { width: size.width - size.left - size.right, height: size.plot };
  ink.translate(size.left, size.top);
  const line = (x1: number, y1: number, x2: number, y2: number) => {
    ink.strokeStyle = colour('var(--line)');
    ink.lineWidth = 1;
    ink.stroke(new Path2D(`M${x1},${y1}L${x2},${y2}`));
  };
  const axis = (ticks: readonly Tick[]) => {
    for (const { at, label } of ticks) {
      const y = (1 - at) * box.height;
      line(0, y, box.width, y);
      text(label, -10, y + 4, 'var(--ink-2)', '12px', 'right');
    }
    line(0, box.height, box.width, box.height);
    for (const { at, label } of clockTicks(instantToMillis(from), instantToMillis(to), 8))
      text(label, at * box.width, box.height + 20, 'var(--ink-2)', '12px', 'center');
  };
  if (heat === undefined) drawLines(ink, drawing, box, axis, colour);
  else {
    const grid = layoutMetricHeat(heat, shown.answer.timeline, shown.bounds);
    if (grid !== undefined) {
      axis(edgeTicks(grid, unit.short, 12));
      ink.fillStyle = colour('var(--volume-strong)');
      for (const cell of grid.cells) {
        const { x, y, width, height: tall } = placeOfCell(grid, cell, box.width, box.height);
        ink.globalAlpha = shade(cell.count, grid.most);
        ink.fillRect(x, y, width, tall);
      }
      ink.globalAlpha = 1;
    }
  }
  named.forEach((one, i) => {
    const y = box.height + 52 + i * size.legend;
    ink.fillStyle = colour(one.colour);
    ink.fillRect(0, y - 6, 16, 4);
    text(isolated(one.label, 110), 26, y, 'var(--ink)', '13px');
    const { stats } = one;
    const said = stats === undefined ? '–' : `${unit.format(stats.min)} … ${unit.format(stats.max)}`;
    text(said, box.width, y, 'var(--ink-2)', '13px', 'right');
  });
  return new Promise((done, failed) =>
    canvas.toBlob(
      (blob) => (blob === null ? failed(new Error('the picture could not be made')) : done(blob)),
      'image/png',
    ),
  );
}

function drawLines(
  ink: CanvasRenderingContext2D,
  { shown, unit, anywhere }: Drawing,
  box: { width: number; height: number },
  axis: (ticks: readonly Tick[]) => void,
  colour: (of: string) => string,
): void {
  const { answer, lines, bounds } = shown;
  const { other } = answer;
  const band: Band | undefined =
    other === undefined || other.min.length === 0 || lines.length < answer.lines.length
      ? undefined
      : { label: '', low: other.min, high: other.max };
  const all = [...lines.map(({ values }) => values), ...(band === undefined ? [] : [band.low, band.high])];
  const scale = valueScale(...extentOf(all), anywhere);
  axis(scaleOf(scale, unit.short));
  const buckets = bucketsOf(answer.timeline, bounds);
  const place: PlotBox = { ...box, top: scale.high, bottom: scale.low };
  if (band !== undefined) {
    ink.fillStyle = colour('var(--ink-3)');
    ink.globalAlpha = 0.2;
    ink.fill(new Path2D(bandPath(buckets, band, place)));
    ink.globalAlpha = 1;
  }
  ink.lineWidth = 1.75;
  ink.lineJoin = 'round';
  for (const line of lines) {
    ink.strokeStyle = colour(line.colour);
    ink.stroke(new Path2D(linePath(buckets, line.values, place)));
  }
}
