import { Tooltip } from '@mantine/core';
import {
  IconAlertCircleFilled,
  IconChevronDown,
  IconChevronRight,
  IconClockExclamation,
  IconUnlink,
} from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useImperativeHandle, useRef, useState, type KeyboardEvent, type Ref } from 'react';
import { useDragSelection } from '../../parts/drag';
import { rowByKey } from '../../parts/keys';
import { plural } from '../../parts/number';
import { Resizer } from '../../parts/Resizer';
import { useServiceColour } from '../../parts/service-colours';
import { load, save } from '../../parts/storage';
import { target } from '../../parts/target';
import { hint, label } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { durationTicks } from '../../time/axis';
import { formatDuration } from '../../time/duration';
import { Minimap } from './Minimap';
import { spanDuration, type Node, type Oddity, type Tree } from './tree';
import { panView, placeBar, selectView, wholeView, zoomView, type View } from './view';
import classes from './Waterfall.module.css';

export interface WaterfallHandle {
  scrollTo: (node: Node) => void;
}

interface Props {
  tree: Tree;
  /** The rows to show, see visibleNodes. */
  rows: readonly Node[];
  collapsed: ReadonlySet<number>;
  onCollapse: (node: Node, collapse: boolean) => void;
  selected: Node | undefined;
  onSelect: (node: Node | undefined) => void;
  /** Nodes that a search found; undefined when there is none. The others are dimmed. */
  found: ReadonlySet<number> | undefined;
  view: View;
  onView: (view: View) => void;
  handle: Ref<WaterfallHandle>;
}

const rowHeight = 28;
const indent = 14;
/** Pixels to the right of the timeline, for the durations of bars that reach its end; --label-room in the style sheet. */
const labelRoom = 76;

export function Waterfall(props: Props) {
  const { tree, rows, collapsed, onCollapse, selected, onSelect, found, view, onView, handle } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [names, setNames] = useState(() => storedFraction());
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 16,
  });
  const at = selected === undefined ? -1 : rows.indexOf(selected);

  useImperativeHandle(handle, () => ({
    scrollTo: (node) => {
      const row = rows.indexOf(node);
      if (row >= 0) virtual.scrollToIndex(row, { align: 'auto' });
    },
  }));
  useWheelZoom(scroller, names, view, tree.duration, onView);

  const { selection, handlers } = useDragSelection(({ from, to }) => onView(selectView(view, from, to, tree.duration)));
  const ticks = durationTicks(view.from, view.to, 5);

  const go = (row: number) => {
    const node = rows[Math.min(Math.max(row, 0), rows.length - 1)];
    if (node === undefined) return;
    onSelect(node);
    virtual.scrollToIndex(rows.indexOf(node), { align: 'auto' });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 2, 1);
    const row = rowByKey(event.key, at, rows.length, page);
    if (row !== undefined) {
      event.preventDefault();
      go(row);
      return;
    }
    switch (event.key) {
      case 'ArrowRight':
        if (selected === undefined) return;
        if (collapsed.has(selected.index)) onCollapse(selected, false);
        else if (selected.children.length > 0) go(at + 1);
        break;
      case 'ArrowLeft':
        if (selected === undefined) return;
        if (selected.children.length > 0 && !collapsed.has(selected.index)) onCollapse(selected, true);
        else if (selected.parent !== undefined) go(rows.indexOf(selected.parent));
        break;
      case '+':
      case '=':
        onView(zoomView(view, 0.6, 0.5, tree.duration));
        break;
      case '-':
        onView(zoomView(view, 1 / 0.6, 0.5, tree.duration));
        break;
      case '0':
        onView(wholeView(tree.duration));
        break;
      case 'Escape':
        onSelect(undefined);
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  return (
    <div className={classes.waterfall} style={{ '--names': `${names * 100}%` } as React.CSSProperties}>
      <div className={classes.head}>
        <div className={classes.names}>
          <span>Span</span>
        </div>
        <div className={classes.overview}>
          <Minimap tree={tree} view={view} onView={onView} />
          <div className={classes.ticks} {...handlers} title="Drag to zoom">
            {ticks.map((tick) => (
              <span key={tick.label} data-end={tick.at > 0.94 || undefined} style={{ left: `${tick.at * 100}%` }}>
                {tick.label}
              </span>
            ))}
            {selection !== undefined && (
              <i style={{ left: `${selection.from * 100}%`, width: `${(selection.to - selection.from) * 100}%` }} />
            )}
          </div>
        </div>
        <Resizer
          className={classes.resizer ?? ''}
          label="Width of the names"
          value={names}
          min={0.15}
          max={0.7}
          onChange={(fraction) => {
            setNames(fraction);
            save('waterfall-names', fraction.toFixed(3));
          }}
        />
      </div>
      <div
        ref={scroller}
        className={classes.scroller}
        role="tree"
        tabIndex={0}
        aria-label="Spans"
        aria-activedescendant={selected === undefined ? undefined : rowId(selected)}
        onKeyDown={onKeyDown}
      >
        <div className={classes.body} style={{ height: virtual.getTotalSize() }}>
          <div className={classes.lines} aria-hidden>
            {ticks.map((tick) => (
              <i key={tick.label} style={{ left: `${tick.at * 100}%` }} />
            ))}
          </div>
          {virtual.getVirtualItems().map((item) => {
            const node = rows[item.index];
            return node === undefined ? null : (
              <Row
                key={node.index}
                node={node}
                top={item.start}
                view={view}
                collapsed={collapsed.has(node.index)}
                selected={node === selected}
                dim={found !== undefined && !found.has(node.index)}
                onSelect={onSelect}
                onCollapse={onCollapse}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

const rowId = (node: Node) => `span-row-${node.index}`;

function storedFraction(): number {
  const stored = Number(load('waterfall-names'));
  return stored >= 0.15 && stored <= 0.7 ? stored : 0.42;
}

interface RowProps {
  node: Node;
  top: number;
  view: View;
  collapsed: boolean;
  selected: boolean;
  dim: boolean;
  onSelect: (node: Node) => void;
  onCollapse: (node: Node, collapse: boolean) => void;
}

function Row({ node, top, view, collapsed, selected, dim, onSelect, onCollapse }: RowProps) {
  const { span } = node;
  const colour = useServiceColour()(span.service);
  const bar = placeBar(node.offset, span.duration, view);
  const width = view.to - view.from;
  const path = target(span.name, span.attributes);
  const hasChildren = node.children.length > 0;
  const Chevron = collapsed ? IconChevronRight : IconChevronDown;
  return (
    <div
      id={rowId(node)}
      className={classes.row}
      style={{ transform: `translateY(${top}px)` }}
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={selected}
      aria-expanded={hasChildren ? !collapsed : undefined}
      aria-label={`${label(span.service)} ${label(span.name)}, ${spanDuration(span)}${span.status === 'error' ? ', error' : ''}`}
      data-selected={selected || undefined}
      data-dim={dim || undefined}
      data-error={span.status === 'error' || undefined}
      onClick={() => onSelect(node)}
    >
      <div className={classes.name}>
        <span className={classes.indent} style={{ width: node.depth * indent }} aria-hidden />
        {hasChildren ? (
          <button
            type="button"
            className={classes.toggle}
            tabIndex={-1}
            aria-label={collapsed ? `Expand ${plural(node.descendants, 'span')}` : 'Collapse'}
            onClick={(event) => {
              event.stopPropagation();
              onCollapse(node, !collapsed);
            }}
          >
            <Chevron size={13} stroke={2.2} />
          </button>
        ) : (
          <span className={classes.leaf} aria-hidden />
        )}
        <span className={classes.service} style={{ background: colour }} aria-hidden />
        {span.status === 'error' && <IconAlertCircleFilled size={14} className={classes.errorIcon} aria-hidden />}
        {span.status !== 'error' && collapsed && node.errorBelow && (
          <Tooltip label="A span below has an error">
            <IconAlertCircleFilled size={14} className={classes.errorBelow} aria-hidden />
          </Tooltip>
        )}
        {node.oddity !== undefined && <OddityMark oddity={node.oddity} />}
        <span className={classes.text} title={hint(`${span.service}: ${span.name}`)}>
          <b data-short={path !== '' || undefined}>
            <Text of={span.name} empty="no span name" />
          </b>
          {path !== '' && (
            <span>
              <Text of={path} />
            </span>
          )}
          <i>
            <Text of={span.service} empty="no service name" />
          </i>
        </span>
        {collapsed && <span className={classes.hidden}>+{node.descendants.toLocaleString('en-US')}</span>}
      </div>
      <div className={classes.timeline}>
        {bar.outside === undefined ? (
          <>
            <div
              className={classes.bar}
              style={{ left: `${bar.left * 100}%`, width: `${bar.width * 100}%`, background: colour }}
            />
            {span.events.map((event, i) => {
              const place = (Number(event.time - span.start) + node.offset - view.from) / width;
              if (!(place >= 0 && place <= 1)) return null;
              return (
                <i
                  key={i}
                  className={classes.event}
                  data-exception={event.name === 'exception' || undefined}
                  style={{ left: `${place * 100}%` }}
                  title={`${label(event.name)} at ${formatDuration(Number(event.time - span.start) + node.offset)}`}
                />
              );
            })}
            <span className={classes.label} style={{ left: `${(bar.left + bar.width) * 100}%` }}>
              {spanDuration(span)}
            </span>
          </>
        ) : (
          <span className={classes.label} data-outside={bar.outside}>
            {bar.outside === 'before' ? '‹ ' : ''}
            {spanDuration(span)}
            {bar.outside === 'after' ? ' ›' : ''}
          </span>
        )}
      </div>
    </div>
  );
}

const oddities: Readonly<Record<Oddity, string>> = {
  'missing-parent': 'Its parent is not among the spans: not sent, not sampled, or not here yet',
  cycle: 'It is its own ancestor; the loop is cut here',
  'before-parent': 'It begins before its parent: the clocks of the two hosts differ',
};

export function OddityMark({ oddity }: { oddity: Oddity }) {
  return (
    <Tooltip label={oddities[oddity]}>
      <span className={classes.oddity} aria-label={oddities[oddity]}>
        {oddity === 'before-parent' ? <IconClockExclamation size={14} /> : <IconUnlink size={14} />}
      </span>
    </Tooltip>
  );
}

/** Ctrl + wheel zooms around the pointer, Shift + wheel (or a sideways wheel) pans. */
function useWheelZoom(
  scroller: React.RefObject<HTMLDivElement | null>,
  names: number,
  view: View,
  duration: number,
  onView: (view: View) => void,
) {
  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      const box = element.getBoundingClientRect();
      const left = box.left + element.clientWidth * names;
      const width = element.clientWidth * (1 - names) - labelRoom;
      if (event.clientX < left) return;
      if (event.ctrlKey || event.metaKey) {
        const factor = Math.exp(Math.min(Math.max(event.deltaY, -80), 80) * 0.006);
        onView(zoomView(view, factor, (event.clientX - left) / width, duration));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        onView(panView(view, (event.deltaX === 0 ? event.deltaY : event.deltaX) / width, duration));
      } else {
        return;
      }
      event.preventDefault();
    };
    // React's own wheel listeners are passive and could not keep the browser from zooming the page.
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [scroller, names, view, duration, onView]);
}
