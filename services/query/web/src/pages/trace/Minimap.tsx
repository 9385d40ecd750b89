import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import { useDragSelection } from '../../parts/drag';
import { useServiceColour } from '../../parts/service-colours';
import classes from './Minimap.module.css';
import { raster } from './raster';
import type { Tree } from './tree';
import { selectView, wholeView, type View } from './view';

interface Props {
  tree: Tree;
  view: View;
  onView: (view: View) => void;
}

/** The thickest line of a span, in pixels. */
const thickest = 4;

/** The whole trace in a strip; dragging across it chooses what the waterfall shows, a double click shows all. */
export function Minimap({ tree, view, onView }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { ref, width, height } = useElementSize();
  const colour = useServiceColour();
  const scheme = useComputedColorScheme();
  const whole = wholeView(tree.duration);
  const { selection, handlers } = useDragSelection(({ from, to }) =>
    onView(selectView(whole, from, to, tree.duration)),
  );

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (canvas.current === null || context === undefined || context === null || width === 0) return;
    const scale = window.devicePixelRatio;
    canvas.current.width = width * scale;
    canvas.current.height = height * scale;
    context.clearRect(0, 0, canvas.current.width, canvas.current.height);
    const style = getComputedStyle(document.documentElement);
    const resolve = (css: string) => style.getPropertyValue(css.slice(4, -1)); // var(--x) → --x
    const columns = Math.floor(width * scale);
    const lines = Math.min(Math.floor(height * scale), tree.nodes.length);
    const step = Math.min((height * scale) / lines, (thickest + 1) * scale);
    const thick = Math.max(Math.min(step, thickest * scale), 1);
    let set: number | undefined;
    // By colour: to set one is dearer than to draw a run.
    for (const { line, from, to, colour: of } of raster(tree, columns, lines).sort((a, b) => a.colour - b.colour)) {
      if (of !== set) context.fillStyle = resolve(of < 0 ? 'var(--error)' : colour(tree.services[of]?.name ?? ''));
      set = of;
      context.fillRect(from, line * step, to - from, thick);
    }
  }, [tree, width, height, colour, scheme]);

  const shown = selection ?? { from: view.from / whole.to, to: view.to / whole.to };
  return (
    <div
      ref={ref}
      className={classes.minimap}
      {...handlers}
      onDoubleClick={() => onView(whole)}
      title="Drag to zoom, double-click to see all"
    >
      <canvas ref={canvas} aria-hidden />
      <div className={classes.shade} style={{ left: 0, width: `${shown.from * 100}%` }} />
      <div className={classes.shade} style={{ right: 0, width: `${(1 - shown.to) * 100}%` }} />
    </div>
  );
}
