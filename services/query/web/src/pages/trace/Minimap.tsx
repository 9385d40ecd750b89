import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import { useDragSelection } from '../../parts/drag';
import { useServiceColour } from '../../parts/service-colours';
import classes from './Minimap.module.css';
import type { Tree } from './tree';
import { selectView, wholeView, type View } from './view';

interface Props {
  tree: Tree;
  view: View;
  onView: (view: View) => void;
}

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
    context.scale(scale, scale);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(document.documentElement);
    const resolved = new Map<string, string>();
    const resolve = (css: string) => {
      let value = resolved.get(css);
      if (value === undefined) {
        value = style.getPropertyValue(css.slice(4, -1)); // var(--x) → --x
        resolved.set(css, value);
      }
      return value;
    };
    const line = Math.min(Math.max(height / tree.nodes.length, 1), 4);
    const step = (height - line) / Math.max(tree.nodes.length - 1, 1);
    tree.nodes.forEach((node, i) => {
      context.fillStyle = resolve(node.span.status === 'error' ? 'var(--error)' : colour(node.span.service));
      const left = (node.offset / whole.to) * width;
      const length = Math.max((node.span.duration / whole.to) * width, 1);
      context.fillRect(
        left,
        Math.min(i * step, (i * (height - line)) / Math.max(tree.nodes.length - 1, 12)),
        length,
        line,
      );
    });
  }, [tree, width, height, colour, scheme, whole.to]);

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
