import { Tooltip } from '@mantine/core';
import { IconAlertCircleFilled, IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { memo, useCallback, useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useRowHeight } from '../../parts/density';
import { useDragSelection } from '../../parts/drag';
import { rowByKey } from '../../parts/keys';
import { useRowsOfHeight } from '../../parts/List';
import { plural } from '../../parts/number';
import { Resizer } from '../../parts/Resizer';
import { useServiceColour } from '../../parts/service-colours';
import { load, save } from '../../parts/storage';
import { target } from '../../parts/target';
import { hint, label } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { durationTicks } from '../../time/axis';
import { formatDuration } from '../../time/duration';
import { drawnSteps, selfParts, type Step } from './analysis';
import { Legend } from './Legend';
import { Minimap } from './Minimap';
import { OddityMark } from './OddityMark';
import { spanDuration, type Node, type Tree } from './tree';
import { panView, placeBar, selectView, wholeView, zoomView, type View } from './view';
import classes from './Waterfall.module.css';

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
  /** The service whose spans stand out. */
  service: string | undefined;
  onService: (service: string | undefined) => void;
  /** The top of the subtree that alone is shown; undefined where all is. */
  focused: Node | undefined;
  /** Spans that errors began with, by index. */
  causes: ReadonlySet<number>;
  /** The steps of the critical path by the index of their span; undefined where it is not shown. */
  critical: ReadonlyMap<number, readonly Step[]> | undefined;
  view: View;
  onView: (view: View) => void;
  /** The span to scroll to, once it has a row; another object for each time. */
  wanted: { node: Node } | undefined;
}

const indent = 14;
/** Pixels to the right of the timeline, for the durations of bars that reach its end; --label-room in the style sheet. */
const labelRoom = 76;

export function Waterfall(props: Props) {
  const { tree, rows, collapsed, onCollapse, selected, onSelect, found, view, onView, wanted } = props;
  const { service, onService, focused, causes, critical } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const rowHeight = useRowHeight();
  const [names, setNames] = useState(() => storedFraction());
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 16,
  });
  useRowsOfHeight(rowHeight, () => virtual.measure());
  const at = selected === undefined ? -1 : rows.indexOf(selected);
  const { selectRow, collapseRow } = useSteady(onSelect, onCollapse);

  const reached = useRef<object>(undefined);
  useEffect(() => {
    if (wanted === undefined || reached.current === wanted) return;
    const row = rows.indexOf(wanted.node);
    if (row < 0) return;
    reached.current = wanted;
    virtual.scrollToIndex(row, { align: 'auto' });
  }, [wanted, rows, virtual]);
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
        else if (selected.parent !== undefined && selected !== focused) go(rows.indexOf(selected.parent));
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
    <div
      className={classes.waterfall}
      style={{ '--names': `${names * 100}%`, '--span-row-height': `${rowHeight}px` } as React.CSSProperties}
    >
      <div className={classes.head}>
        <div className={classes.names}>
          <Legend services={tree.services} service={service} onService={onService} />
        </div>
        <div className={classes.overview}>
          <Minimap tree={tree} view={view} onView={onView} />
          <div className={classes.ticks} {...handlers} title="Drag to zoom">
            {ticks.map((tick) => (
              <span key={tick.at} data-end={tick.at > 0.94 || undefined} style={{ left: `${tick.at * 100}%` }}>
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
              <i key={tick.at} style={{ left: `${tick.at * 100}%` }} />
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
                cause={causes.has(node.index)}
                steps={critical?.get(node.index)}
                level={node.depth - (focused?.depth ?? 0)}
                onSelect={selectRow}
                onCollapse={collapseRow}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** The same functions for as long as the waterfall is there: rows that have not changed are not made again while one scrolls. */
function useSteady(onSelect: (node: Node) => void, onCollapse: (node: Node, collapse: boolean) => void) {
  const latest = useRef({ onSelect, onCollapse });
  useEffect(() => {
    latest.current = { onSelect, onCollapse };
  });
  const selectRow = useCallback((node: Node) => latest.current.onSelect(node), []);
  const collapseRow = useCallback((node: Node, collapse: boolean) => latest.current.onCollapse(node, collapse), []);
  return { selectRow, collapseRow };
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
  /** Whether an error began with it. */
  cause: boolean;
  steps: readonly Step[] | undefined;
  /** Below the top of what is shown, from 0. */
  level: number;
  onSelect: (node: Node) => void;
  onCollapse: (node: Node, collapse: boolean) => void;
}

/** The shortest stretch of self time that is drawn, as a part of the view: half a pixel or so. */
const leastSelf = 1 / 2_000;

const Row = memo(function Row(props: RowProps) {
  const { node, top, view, collapsed, selected, dim, cause, steps, level, onSelect, onCollapse } = props;
  const { span } = node;
  const colour = useServiceColour()(span.service);
  const bar = placeBar(node.offset, span.duration, view);
  const width = view.to - view.from;
  const path = target(span.name, span.attributes);
  const hasChildren = node.children.length > 0;
  const inView = (from: number, to: number) => {
    const place = placeBar(from, to - from, view);
    return { left: `${place.left * 100}%`, width: `${place.width * 100}%` };
  };
  const Chevron = collapsed ? IconChevronRight : IconChevronDown;
  return (
    <div
      id={rowId(node)}
      className={classes.row}
      style={{ transform: `translateY(${top}px)` }}
      role="treeitem"
      aria-level={level + 1}
      aria-selected={selected}
      aria-expanded={hasChildren ? !collapsed : undefined}
      aria-label={`${label(span.service)} ${label(span.name)}, ${spanDuration(span)}${cause ? ', cause of the error' : ''}${span.status === 'error' ? ', error' : ''}`}
      data-selected={selected || undefined}
      data-dim={dim || undefined}
      data-error={span.status === 'error' || undefined}
      data-cause={cause || undefined}
      onClick={() => onSelect(node)}
    >
      <div className={classes.name}>
        <span className={classes.indent} style={{ width: level * indent }} aria-hidden />
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
        {cause && (
          <span className={classes.cause} title="An error began here: no span below it failed">
            cause
          </span>
        )}
        {node.oddity !== undefined && <OddityMark node={node} oddity={node.oddity} />}
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
              data-parent={hasChildren || undefined}
              style={
                { left: `${bar.left * 100}%`, width: `${bar.width * 100}%`, '--colour': colour } as React.CSSProperties
              }
              title={
                hasChildren ? `${spanDuration(span)}, of it ${formatDuration(node.selfTime)} in no child` : undefined
              }
            />
            {hasChildren &&
              selfParts(node, width * leastSelf)
                .filter(({ from, to }) => to > view.from && from < view.to)
                .map(({ from, to }) => (
                  <i
                    key={from}
                    className={classes.self}
                    style={{ ...inView(from, to), '--colour': colour } as React.CSSProperties}
                    aria-hidden
                  />
                ))}
            {steps !== undefined &&
              drawnSteps(steps, view.from, view.to, width * leastSelf).map(({ from, to }) => (
                <i key={from} className={classes.step} style={inView(from, to)} aria-hidden />
              ))}
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
});

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
