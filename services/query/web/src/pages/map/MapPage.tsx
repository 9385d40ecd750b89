import { ActionIcon, Button, Skeleton, TextInput, Tooltip } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { IconFocusCentered, IconMinus, IconPlus, IconSearch, IconX } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { getServiceMap } from '../../api/endpoints';
import type { MapEdge, MapNode, RED, ServiceMap } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { healthOf } from '../../parts/health';
import { useShortcut } from '../../parts/Keyboard';
import { Nothing } from '../../parts/Nothing';
import { formatCount, formatPercent, formatRate } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { sentBy, tracesOf } from '../../parts/leads';
import { ServiceLink } from '../../parts/ServiceLink';
import { useServiceColour } from '../../parts/service-colours';
import { hint, isolated, label } from '../../parts/shown';
import { LongText, Text } from '../../parts/Text';
import { compact } from '../../route/search';
import { formatDuration } from '../../time/duration';
import { TraceRows } from '../service/TraceRows';
import { ServiceChooser } from '../services/ServiceChooser';
import { edgeWidth, layoutMap, nodeSize } from './layout';
import classes from './MapPage.module.css';
import { edgeFilters, edgeKey, found, sends, type MapSearch } from './map';
import {
  detailAt,
  fit,
  moved,
  readable,
  roomFor,
  textSize,
  viewFromText,
  viewToText,
  zoomed,
  type Detail,
  type View,
} from './view';

const route = getRouteApi('/map');

export function MapPage() {
  const { namespace, own } = route.useSearch();
  const change = useChange();
  const asked = useAnswer(['service-map', namespace ?? '', own ?? ''], (bounds, signal) =>
    getServiceMap({ namespace, own: own !== undefined }, bounds, signal),
  );
  const clear = () => change({ namespace: undefined, own: '1' });
  return (
    <Page title="Service map" answer={asked.answer}>
      <Bar map={asked.data} />
      <Outcome
        of={asked}
        loading={<Skeleton height="100%" radius={0} aria-label="Loading" role="status" />}
        nothing={
          <Nothing what="services" clearFilters={namespace === undefined && own !== undefined ? undefined : clear} />
        }
        isEmpty={(map) => map.nodes.length === 0}
      >
        {(map) => <Canvas map={map} />}
      </Outcome>
    </Page>
  );
}

function useChange() {
  const navigate = route.useNavigate();
  return (part: { [K in keyof MapSearch]: MapSearch[K] | undefined }) =>
    void navigate({ search: (before) => compact({ ...before, ...part }), replace: true });
}

/** What to show of the map. */
function Bar({ map }: { map: ServiceMap | undefined }) {
  const search = route.useSearch();
  const change = useChange();
  const matches = map === undefined ? [] : found(map.nodes, search.find);
  return (
    <div className={classes.bar} role="search" aria-label="Find on the map">
      <TextInput
        size="xs"
        w={220}
        aria-label="Find a node"
        placeholder="Find; Enter goes there"
        leftSection={<IconSearch size={13} />}
        value={search.find ?? ''}
        onChange={(event) => change({ find: event.currentTarget.value, node: undefined })}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || matches.length === 0) return;
          // Each time to the next.
          const at = matches.findIndex(({ id }) => id === search.node);
          change({ node: matches[(at + 1) % matches.length]?.id, edge: undefined, at: undefined });
        }}
      />
      {search.find !== undefined && map !== undefined && (
        <span className={classes.count} role="status">
          {matches.length} of {map.nodes.length}
        </span>
      )}
      <ServiceChooser choice={search} onChange={change} />
      <Button
        size="xs"
        variant={search.group === undefined ? 'default' : 'light'}
        aria-pressed={search.group !== undefined}
        onClick={() => change({ group: search.group === undefined ? 'namespace' : undefined, at: undefined })}
      >
        By namespace
      </Button>
    </div>
  );
}

function Canvas({ map }: { map: ServiceMap }) {
  const search = route.useSearch();
  const change = useChange();
  const placed = useMemo(() => layoutMap(map, search.group !== undefined), [map, search.group]);
  const { ref: sized, width, height } = useElementSize<HTMLDivElement>();
  const chosen = map.nodes.find(({ id }) => id === search.node);
  const chosenEdge = map.edges.find((edge) => edgeKey(edge) === search.edge);
  // Where it is looked at from, until it is moved: at what the address says, at the node that is looked for, or all of it. It stays so when the map changes.
  const [first, setFirst] = useState<{ of: string; view: View }>();
  const of = `${search.group ?? ''} ${search.node ?? ''}`;
  const target = placed.nodes.find(({ node }) => node === (chosen ?? found(map.nodes, search.find)[0]));
  if (width > 0 && (first === undefined || (first.of !== of && search.at === undefined))) {
    const whole = first?.of.startsWith(`${search.group ?? ''} `) === true ? first.view : fit(placed, width, height);
    const looked = search.find !== undefined && target !== undefined;
    setFirst({ of, view: looked ? { scale: Math.max(whole.scale, 0.9), x: target.x, y: target.y } : whole });
  }
  // Moved, and not in the address yet.
  const [held, setHeld] = useState<View>();
  const [lastAt, setLastAt] = useState(search.at);
  if (lastAt !== search.at) {
    setLastAt(search.at);
    setHeld(undefined);
  }
  const view = held ?? viewFromText(search.at) ?? first?.view ?? fit(placed, Math.max(width, 1), Math.max(height, 1));
  const drag = useRef<{ x: number; y: number; view: View } | undefined>(undefined);
  /** Whether the button was held for a drag, whose end is no click. */
  const far = useRef(false);
  const svg = useRef<SVGSVGElement>(null);
  const look = (next: View) => change({ at: viewToText(next) });
  const choose = (id: string | undefined) => change({ node: id, edge: undefined });

  const anyChosen = chosen !== undefined || chosenEdge !== undefined;
  useShortcut('escape', 'Close what is chosen', anyChosen ? () => choose(undefined) : undefined);

  const wheeled = useRef<{ view: View; timer: number } | undefined>(undefined);
  const zoomNow = useRef<(factor: number, at: { x: number; y: number }) => void>(() => undefined);
  useEffect(() => {
    zoomNow.current = (factor, at) => {
      const next = zoomed(wheeled.current?.view ?? view, factor, at);
      window.clearTimeout(wheeled.current?.timer);
      // A wheel turns by many small events: where it comes to rest is one step.
      const rest = () => {
        wheeled.current = undefined;
        look(next);
      };
      wheeled.current = { view: next, timer: window.setTimeout(rest, 200) };
      setHeld(next);
    };
  });
  useEffect(() => () => window.clearTimeout(wheeled.current?.timer), []);
  useEffect(() => {
    const element = svg.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const at = { x: event.clientX - box.left - box.width / 2, y: event.clientY - box.top - box.height / 2 };
      zoomNow.current(Math.exp(-Math.min(Math.max(event.deltaY, -100), 100) * 0.003), at);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  const near = useMemo(() => {
    if (chosen !== undefined) {
      const ids = new Set([chosen.id]);
      for (const edge of map.edges) {
        if (edge.source === chosen.id) ids.add(edge.target);
        if (edge.target === chosen.id) ids.add(edge.source);
      }
      return ids;
    }
    if (chosenEdge !== undefined) return new Set([chosenEdge.source, chosenEdge.target]);
    return search.find === undefined ? undefined : new Set(found(map.nodes, search.find).map(({ id }) => id));
  }, [map, chosen, chosenEdge, search.find]);
  const busiest = map.edges.reduce((most, e) => Math.max(most, e.red.requests), 1);
  const legible = useMemo(() => readable(placed.nodes, view.scale), [placed, view.scale]);

  const handlers = {
    onPointerDown: (event: PointerEvent<SVGSVGElement>) => {
      far.current = false;
      if (event.button === 0) drag.current = { x: event.clientX, y: event.clientY, view };
    },
    onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
      const start = drag.current;
      if (start === undefined) return;
      const dx = event.clientX - start.x;
      const dy = event.clientY - start.y;
      if (!far.current && Math.hypot(dx, dy) < 4) return;
      if (!far.current) event.currentTarget.setPointerCapture(event.pointerId);
      far.current = true;
      setHeld(moved(start.view, dx, dy));
    },
    onPointerUp: () => {
      if (drag.current !== undefined && far.current && held !== undefined) look(held);
      drag.current = undefined;
    },
    // A touch that becomes a scroll of the page.
    onPointerCancel: () => {
      drag.current = undefined;
      setHeld(undefined);
    },
  };

  return (
    <div className={classes.split}>
      <div ref={sized} className={classes.canvas}>
        <svg
          ref={svg}
          width={width}
          height={height}
          {...handlers}
          onClick={() => {
            if (!far.current) choose(undefined);
          }}
          aria-label="Service map"
        >
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 8 8"
              refX="7"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path d="M0,0.5 L8,4 L0,7.5 z" className={classes.arrow} />
            </marker>
          </defs>
          <g
            transform={`translate(${width / 2 - view.x * view.scale},${height / 2 - view.y * view.scale}) scale(${view.scale})`}
          >
            {placed.groups.map((group) => (
              <g key={group.name} className={classes.group}>
                <rect x={group.x} y={group.y} width={group.width} height={group.height} rx={10} />
                <text x={group.x + 8} y={group.y - 6 / view.scale} style={{ fontSize: textSize(view.scale, 12) }}>
                  {group.name}
                </text>
              </g>
            ))}
            {placed.edges.map(({ edge, path }) => {
              const linked =
                edge === chosenEdge ||
                (chosen !== undefined && (edge.source === chosen.id || edge.target === chosen.id));
              return (
                <g
                  key={edgeKey(edge)}
                  className={classes.edge}
                  data-level={level(edge.red)}
                  data-dim={(near !== undefined && !linked) || undefined}
                  data-chosen={edge === chosenEdge || undefined}
                  data-edge={edgeKey(edge)}
                  onClick={(event) => {
                    event.stopPropagation();
                    change({ edge: edgeKey(edge), node: undefined });
                  }}
                >
                  <path d={path} strokeWidth={edgeWidth(edge.red.requests, busiest)} markerEnd="url(#arrow)" />
                  <path d={path} className={classes.hit}>
                    <title>{describe(edge.red)}</title>
                  </path>
                </g>
              );
            })}
            {placed.nodes.map(({ node, x, y }) => (
              <NodeBox
                key={node.id}
                node={node}
                x={x}
                y={y}
                scale={view.scale}
                named={legible.has(node.id)}
                chosen={node === chosen}
                dim={near !== undefined && !near.has(node.id)}
                onChoose={() => choose(node === chosen ? undefined : node.id)}
              />
            ))}
          </g>
        </svg>
        <Legend />
        <div className={classes.tools}>
          {(
            [
              ['Closer', 'Zoom in', IconPlus, () => look(zoomed(view, 1.3))],
              ['Farther', 'Zoom out', IconMinus, () => look(zoomed(view, 1 / 1.3))],
              ['Show all', 'Show all', IconFocusCentered, () => look(fit(placed, width, height))],
            ] as const
          ).map(([label, name, Icon, act]) => (
            <Tooltip key={name} label={label} position="left">
              <ActionIcon variant="default" aria-label={name} onClick={act}>
                <Icon size={15} />
              </ActionIcon>
            </Tooltip>
          ))}
        </div>
      </div>
      {chosen !== undefined && (
        <NodePanel
          map={map}
          node={chosen}
          onChoose={choose}
          onEdge={(edge) => change({ edge: edgeKey(edge), node: undefined })}
        />
      )}
      {chosenEdge !== undefined && <EdgePanel map={map} edge={chosenEdge} onChoose={choose} />}
    </div>
  );
}

/** What the forms and colours of the map say. */
function Legend() {
  return (
    <details className={classes.legend}>
      <summary>Legend</summary>
      <ul>
        <li>Full frame: a service · dashed: a database (⛁), a queue (⇄) or another host (↗) that sends no telemetry</li>
        <li>An arrow leads from the caller to the called; the wider, the more requests</li>
        <li>
          <i data-level="some" /> from 0.5 %, <i data-level="high" /> from 5 % of requests failed
        </li>
        <li>Closer, more is told: name, rate, p95 and errors</li>
      </ul>
    </details>
  );
}

const level = (red: RED | undefined) => (red === undefined ? 'good' : healthOf(red));

const describe = (red: RED) =>
  `${formatRate(red.rate)}, ${formatPercent(red.errorRate)} errors, p50 ${formatDuration(red.p50)}, p95 ${formatDuration(red.p95)}`;

const typeNames = {
  service: 'Service',
  browser: 'Browser',
  database: 'Database',
  messaging: 'Messaging',
  external: 'External',
} as const;

interface BoxProps {
  node: MapNode;
  x: number;
  y: number;
  scale: number;
  /** Whether its name can be read without lying upon another. */
  named: boolean;
  chosen: boolean;
  dim: boolean;
  onChoose: () => void;
}

function NodeBox({ node, x, y, scale, named, chosen, dim, onChoose }: BoxProps) {
  const colour = useServiceColour();
  const { width, height } = nodeSize;
  const isService = sends(node);
  const detail: Detail = detailAt(scale);
  const room = roomFor(scale) - (isService ? 0 : 3);
  const name = node.name === '' ? node.system : node.name;
  const shown = isolated(name, room);
  const size = textSize(scale, 13);
  const told =
    node.red === undefined
      ? node.system === ''
        ? typeNames[node.type]
        : isolated(node.system, room)
      : detail === 'all'
        ? `${formatRate(node.red.rate)} · ${formatDuration(node.red.p95)}`
        : formatRate(node.red.rate);
  const left = isService ? 22 : 34;
  return (
    <g
      className={classes.node}
      transform={`translate(${x - width / 2},${y - height / 2})`}
      tabIndex={0}
      role="button"
      aria-pressed={chosen}
      aria-label={`${typeNames[node.type]} ${label(node.name)}${node.red === undefined ? '' : `, ${describe(node.red)}`}`}
      data-chosen={chosen || undefined}
      data-dim={dim || undefined}
      data-type={node.type}
      onClick={(event) => {
        event.stopPropagation();
        onChoose();
      }}
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onChoose();
      }}
    >
      <rect width={width} height={height} rx={isService ? 8 : node.type === 'messaging' ? 26 : 3} />
      {isService ? (
        <rect
          x={10}
          y={12}
          width={4}
          height={height - 24}
          rx={2}
          className={classes.strip}
          style={{ fill: colour(node.name) }}
        />
      ) : (
        <text x={12} y={33} className={classes.glyph}>
          {node.type === 'database' ? '⛁' : node.type === 'messaging' ? '⇄' : '↗'}
        </text>
      )}
      {named && (
        <text
          x={left}
          y={detail === 'name' ? height / 2 + size * 0.36 : height / 2 - size * 0.2}
          className={classes.name}
          style={{ fontSize: size }}
        >
          {shown}
        </text>
      )}
      {named && detail !== 'name' && (
        <text
          x={left}
          y={height / 2 + size * 1.05}
          className={classes.detail}
          style={{ fontSize: textSize(scale, 12.3) }}
        >
          {told}
          {node.red !== undefined && level(node.red) !== 'good' && (
            <tspan className={classes.errors} data-level={level(node.red)}>
              {'  '}
              {formatPercent(node.red.errorRate)}
            </tspan>
          )}
        </text>
      )}
    </g>
  );
}

function NodePanel(props: {
  map: ServiceMap;
  node: MapNode;
  onChoose: (id: string | undefined) => void;
  onEdge: (edge: MapEdge) => void;
}) {
  const { map, node, onChoose, onEdge } = props;
  const name = (id: string) => map.nodes.find((n) => n.id === id)?.name ?? id;
  const calls = map.edges.filter((e) => e.source === node.id);
  const callers = map.edges.filter((e) => e.target === node.id);
  return (
    <aside className={classes.panel} aria-label="Details">
      <div className={classes.title}>
        <div>
          <small>
            {typeNames[node.type]}
            {node.system === '' ? '' : ` · ${isolated(node.system, 40)}`}
            {node.address === '' ? '' : ` · ${isolated(node.address, 80)}`}
          </small>
          <h2>
            <LongText key={node.id} of={node.name} lines={3} empty="no service name" />
          </h2>
        </div>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={24}
          aria-label="Close details"
          onClick={() => onChoose(undefined)}
        >
          <IconX size={15} />
        </ActionIcon>
      </div>
      {node.red !== undefined && <Figures red={node.red} />}
      {node.type === 'service' && (
        <p className={classes.links}>
          <Link to="/traces" search={tracesOf({ service: node.name, namespace: node.namespace || undefined })}>
            Traces
          </Link>
          <Link
            to="/traces"
            search={tracesOf({ service: node.name, namespace: node.namespace || undefined, failed: true })}
          >
            Errors
          </Link>
          <Link to="/logs" search={sentBy({ service: node.name, namespace: node.namespace || undefined })}>
            Logs
          </Link>
          <ServiceLink name={node.name} namespace={node.namespace === '' ? undefined : node.namespace}>
            Service
          </ServiceLink>
        </p>
      )}
      {(
        [
          ['Called by', callers, (e: (typeof calls)[number]) => e.source],
          ['Calls', calls, (e: (typeof calls)[number]) => e.target],
        ] as const
      ).map(
        ([heading, edges, other]) =>
          edges.length > 0 && (
            <section key={heading}>
              <h3>{heading}</h3>
              <ul>
                {edges
                  .toSorted((a, b) => b.red.requests - a.red.requests)
                  .map((edge) => (
                    <li key={other(edge)}>
                      <button type="button" title={hint(name(other(edge)))} onClick={() => onChoose(other(edge))}>
                        <Text of={name(other(edge))} />
                      </button>
                      <button
                        type="button"
                        title={`${describe(edge.red)}: traces over this edge`}
                        onClick={() => onEdge(edge)}
                      >
                        {formatRate(edge.red.rate)} · {formatDuration(edge.red.p95)}
                        {edge.red.errorRate > 0 && (
                          <i data-level={level(edge.red)}> {formatPercent(edge.red.errorRate)}</i>
                        )}
                      </button>
                    </li>
                  ))}
              </ul>
            </section>
          ),
      )}
      {node.filters.length > 0 && (
        <section>
          <h3>{sends(node) ? 'Slowest traces' : 'Slowest traces with spans about it'}</h3>
          <TraceRows
            label="Slowest traces"
            filters={node.filters}
            order={{ by: 'duration', order: 'desc' }}
            most={5}
            nothing="There are none in this time range."
          />
        </section>
      )}
      {node.unmatchedCalls > 0 && (
        <p className={classes.note}>
          {formatCount(node.unmatchedCalls)} {node.unmatchedCalls === 1 ? 'call' : 'calls'} from callers that sent no
          span, or whose span is not here yet.
        </p>
      )}
    </aside>
  );
}

function Figures({ red }: { red: RED }) {
  return (
    <dl className={classes.figures}>
      {(
        [
          ['Requests', formatRate(red.rate)],
          ['Errors', formatPercent(red.errorRate)],
          ['p50', formatDuration(red.p50)],
          ['p95', formatDuration(red.p95)],
          ['p99', formatDuration(red.p99)],
        ] as const
      ).map(([key, value]) => (
        <div key={key}>
          <dt>{key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The calls from one node to another, and the traces in which they are. */
function EdgePanel(props: { map: ServiceMap; edge: MapEdge; onChoose: (id: string | undefined) => void }) {
  const { map, edge, onChoose } = props;
  const [source, target] = [edge.source, edge.target].map((id) => map.nodes.find((node) => node.id === id));
  if (source === undefined || target === undefined) return null;
  const filters = edgeFilters(source, target);
  return (
    <aside className={classes.panel} aria-label="Details">
      <div className={classes.title}>
        <div>
          <small>Calls</small>
          <h2>
            <bdi>{source.name}</bdi> → <bdi>{target.name === '' ? target.system : target.name}</bdi>
          </h2>
        </div>
        <ActionIcon
          variant="subtle"
          color="gray"
          size={24}
          aria-label="Close details"
          onClick={() => onChoose(undefined)}
        >
          <IconX size={15} />
        </ActionIcon>
      </div>
      <Figures red={edge.red} />
      {filters !== undefined && (
        <section>
          <h3>Traces over this edge, the slowest calls first</h3>
          <TraceRows
            label="Traces over this edge"
            filters={filters}
            order={{ by: 'duration', order: 'desc' }}
            most={6}
            nothing="There are none in this time range."
          />
        </section>
      )}
    </aside>
  );
}
