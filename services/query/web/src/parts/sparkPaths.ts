// The shapes of a sparkline in a box of a width and a height, from zero at the bottom to the greatest value at the top.

export type Values = readonly (number | undefined)[];

const round = (n: number) => Math.round(n * 100) / 100;

/** The greatest value; 0 where there is none. */
export const greatestOf = (values: Values): number => values.reduce<number>((most, v) => Math.max(most, v ?? 0), 0);

/** Where values stand: each in the middle of its share of the width. */
function places(
  values: Values,
  width: number,
  height: number,
  most: number,
): (readonly [number, number] | undefined)[] {
  const step = width / Math.max(values.length, 1);
  return values.map((v, i) =>
    v === undefined ? undefined : [round((i + 0.5) * step), round(height - (v / most) * height)],
  );
}

/** A line from value to value, broken where there is none; what stands alone is a dash as wide as its place. */
export function linePath(values: Values, width: number, height: number, most = greatestOf(values)): string {
  const at = places(values, width, height, most > 0 ? most : 1);
  const half = width / Math.max(values.length, 1) / 2;
  let path = '';
  at.forEach((place, i) => {
    if (place === undefined) return;
    const [x, y] = place;
    const before = at[i - 1];
    const after = at[i + 1];
    if (before === undefined && after === undefined) path += `M${round(x - half)},${y}H${round(x + half)}`;
    else path += `${before === undefined ? 'M' : 'L'}${x},${y}`;
  });
  return path;
}

/** What is below that line. */
export function areaPath(values: Values, width: number, height: number, most = greatestOf(values)): string {
  const line = linePath(values, width, height, most);
  return line
    .split('M')
    .filter((part) => part !== '')
    .map((part) => {
      const first = part.slice(0, part.indexOf(','));
      const last = /[LH]([\d.-]+)(?:,[\d.-]+)?$/.exec(part)?.[1] ?? first;
      return `M${part}L${last},${height}H${first}Z`;
    })
    .join('');
}

/** A bar for each value, a unit apart; what is not nothing is at least a unit high. */
export function barsPath(values: Values, width: number, height: number, most = greatestOf(values)): string {
  const step = width / Math.max(values.length, 1);
  const wide = round(Math.max(step - 1, step * 0.6));
  let path = '';
  values.forEach((v, i) => {
    if (v === undefined || v <= 0 || most <= 0) return;
    const tall = round(Math.max((Math.min(v, most) / most) * height, 1));
    path += `M${round(i * step)},${height}v${-tall}h${wide}v${tall}z`;
  });
  return path;
}
