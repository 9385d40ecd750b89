import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent } from 'react';
import { plural } from '../../parts/number';
import { useServiceColour } from '../../parts/service-colours';
import { isolated, label } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { durationTicks } from '../../time/axis';
import { formatDuration } from '../../time/duration';
import classes from './Flame.module.css';
import { flameLayout, nodeAt } from './flameLayout';
import { endOf, spanDuration, type Node, type Tree } from './tree';
import { wholeView, type View } from './view';

interface Props {
  tree: Tree;
  selected: Node | undefined;
  /** Nodes that a search found; undefined when there is none. The others are dimmed. */
  found: ReadonlySet<number> | undefined;
  causes: ReadonlySet<number>;
  onSelect: (node: Node | undefined) => void;
  view: View;
  onView: (view: View) => void;
}

const rowHeight = 20;
/** Pixels around the pointer in which a span that is narrower is met. */
const reach = 3;
/** The narrowest block that has room for a name. */
const named = 34;

/** All spans of a trace by time, each below its parent. A click selects one, a double click shows its stretch of time alone. */
export function Flame({ tree, selected, found, causes, onSelect, view, onView }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const { ref: sized, width, height } = useElementSize<HTMLDivElement>();
  const layout = useMemo(() => flameLayout(tree), [tree]);
  const [top, setTop] = useState(0);
  const [over, setOver] = useState<{ node: Node; x: number; y: number }>();
  const colour = useServiceColour();
  const scheme = useComputedColorScheme();
  const perPixel = (view.to - view.from) / Math.max(width, 1);

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (canvas.current === null || context === undefined || context === null || width === 0) return;
    const scale = window.devicePixelRatio;
    canvas.current.width = width * scale;
    canvas.current.height = height * scale;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(document.documentElement);
    const resolved = new Map<string, string>();
    const resolve = (name: string): string => {
      let value = resolved.get(name);
      if (value === undefined) resolved.set(name, (value = style.getPropertyValue(name)));
      return value;
    };
    context.font = `11px ${resolve('--font-text')}`;
    context.textBaseline = 'middle';
    const ink = resolve('--ink');
    const first = Math.max(Math.floor(top / rowHeight), 0);
    const last = Math.min(Math.ceil((top + height) / rowHeight), layout.rows.length);
    for (let row = first; row < last; row++) {
      const y = row * rowHeight - top;
      let drawn = -1;
      for (const node of layout.rows[row]!) {
        const from = (node.offset - view.from) / perPixel;
        const to = (endOf(node) - view.from) / perPixel;
        if (to < 0 || from > width) continue;
        const left = Math.max(from, 0);
        const right = Math.max(Math.min(to, width), left + 1);
        // Of what falls into one pixel the first is drawn; what failed always is.
        const cause = causes.has(node.index);
        if (right <= drawn && !cause && node !== selected) continue;
        drawn = Math.max(drawn, right);
        const dim = found !== undefined && !found.has(node.index);
        context.fillStyle = cause ? resolve('--error') : resolve(colour(node.span.service).slice(4, -1));
        context.globalAlpha = dim ? 0.12 : cause ? 0.75 : 0.45;
        context.fillRect(left, y + 1, Math.max(right - left - 0.5, 0.5), rowHeight - 2);
        context.globalAlpha = dim ? 0.4 : 1;
        if (node.span.status === 'error' && right - left > 3) {
          context.strokeStyle = resolve('--error');
          context.lineWidth = 1;
          context.strokeRect(left + 0.5, y + 1.5, right - left - 1.5, rowHeight - 3);
        }
        if (right - left > named) {
          context.save();
          context.beginPath();
          context.rect(left, y, right - left - 4, rowHeight);
          context.clip();
          context.fillStyle = ink;
          context.fillText(
            isolated(node.span.name === '' ? node.span.service : node.span.name),
            left + 5,
            y + rowHeight / 2 + 0.5,
          );
          context.restore();
        }
        if (node === selected) {
          context.globalAlpha = 1;
          context.strokeStyle = resolve('--accent');
          context.lineWidth = 2;
          context.strokeRect(left + 1, y + 1, Math.max(right - left - 2, 1), rowHeight - 2);
        }
      }
    }
    context.globalAlpha = 1;
  }, [layout, view, perPixel, width, height, top, colour, scheme, selected, found, causes]);

  // The selected span is in sight, whoever selected it.
  useEffect(() => {
    const element = scroller.current;
    if (selected === undefined || element === null) return;
    const y = (layout.rowOf[selected.index] ?? 0) * rowHeight;
    if (y < element.scrollTop || y + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTo({ top: y - element.clientHeight / 2 });
    }
  }, [selected, layout]);

  const at = (event: MouseEvent<HTMLElement>): Node | undefined => {
    const box = event.currentTarget.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top + top) / rowHeight);
    return nodeAt(layout.rows[row], view.from + (event.clientX - box.left) * perPixel, reach * perPixel);
  };
  const zoomTo = (node: Node) => onView({ from: node.offset, to: Math.max(endOf(node), node.offset + 1) });
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = nextByKey(event.key, tree, selected);
    if (next !== undefined) onSelect(next);
    else if (event.key === 'Enter' && selected !== undefined) zoomTo(selected);
    else if (event.key === '0') onView(wholeView(tree.duration));
    else if (event.key === 'Escape') onSelect(undefined);
    else return;
    event.preventDefault();
  };
  const ticks = durationTicks(view.from, view.to, 6);
  return (
    <div className={classes.flame}>
      <div className={classes.ticks} aria-hidden>
        {ticks.map((tick) => (
          <span key={tick.at} data-end={tick.at > 0.94 || undefined} style={{ left: `${tick.at * 100}%` }}>
            {tick.label}
          </span>
        ))}
      </div>
      <div
        ref={scroller}
        className={classes.scroller}
        tabIndex={0}
        role="group"
        aria-label={`Flame graph of ${plural(tree.nodes.length, 'span')}. Arrow keys go to parents, children and siblings, Enter closer, 0 shows all.`}
        onScroll={(event) => setTop(event.currentTarget.scrollTop)}
        onKeyDown={onKeyDown}
      >
        <div style={{ height: layout.rows.length * rowHeight + 8 }}>
          <div
            ref={sized}
            className={classes.window}
            onMouseMove={(event) => {
              const node = at(event);
              const box = event.currentTarget.getBoundingClientRect();
              setOver(node && { node, x: event.clientX - box.left, y: event.clientY - box.top });
            }}
            onMouseLeave={() => setOver(undefined)}
            onClick={(event) => onSelect(at(event))}
            onDoubleClick={(event) => {
              const node = at(event);
              if (node === undefined) onView(wholeView(tree.duration));
              else zoomTo(node);
            }}
          >
            <canvas ref={canvas} aria-hidden />
            {over !== undefined && <Tip {...over} width={width} />}
          </div>
        </div>
      </div>
      <p className={classes.said} role="status">
        {selected !== undefined &&
          `${label(selected.span.service)} ${label(selected.span.name)}, ${spanDuration(selected.span)}`}
      </p>
    </div>
  );
}

/** Up to the parent, down to the first child, and left and right among siblings; from none to the root. */
function nextByKey(key: string, tree: Tree, selected: Node | undefined): Node | undefined {
  if (!key.startsWith('Arrow')) return undefined;
  if (selected === undefined) return tree.nodes[0];
  const siblings = selected.parent?.children ?? tree.roots;
  const at = siblings.indexOf(selected);
  switch (key) {
    case 'ArrowUp':
      return selected.parent ?? selected;
    case 'ArrowDown':
      return selected.children[0] ?? selected;
    case 'ArrowLeft':
      return siblings[at - 1] ?? selected;
    default:
      return siblings[at + 1] ?? selected;
  }
}

function Tip({ node, x, y, width }: { node: Node; x: number; y: number; width: number }) {
  const { span } = node;
  return (
    <div
      className={classes.tip}
      style={{ top: y + 14, ...(x > width * 0.6 ? { right: width - x + 8 } : { left: x + 8 }) }}
    >
      <b>
        <Text of={span.name} empty="no span name" most={120} />
      </b>
      <span>
        <Text of={span.service} empty="no service name" most={80} />
      </span>
      <span>
        {spanDuration(span)} at +{formatDuration(node.offset)}
        {node.children.length > 0 && `, ${formatDuration(node.selfTime)} self`}
      </span>
    </div>
  );
}
