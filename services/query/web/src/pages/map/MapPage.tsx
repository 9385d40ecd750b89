import { ActionIcon, Skeleton, Tooltip } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { IconFocusCentered, IconMinus, IconPlus, IconX } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { getServiceMap } from '../../api/endpoints';
import type { MapNode, RED, ServiceMap } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { Nothing } from '../../parts/Nothing';
import { formatCount, formatPercent, formatRate } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import { ServiceLink } from '../../parts/ServiceLink';
import { useServiceColour } from '../../parts/service-colours';
import { without } from '../../route/search';
import { formatDuration } from '../../time/duration';
import { edgeWidth, layoutMap, nodeSize, type MapLayout } from './layout';
import classes from './MapPage.module.css';

const route = getRouteApi('/map');

export function MapPage() {
  const asked = useAnswer(['service-map'], (bounds, signal) =>
    getServiceMap({ namespace: undefined, own: true }, bounds, signal),
  );
  return (
    <Page title="Service map" answer={asked.answer}>
      <Outcome
        of={asked}
        loading={<Skeleton height="100%" radius={0} aria-label="Loading" role="status" />}
        nothing={<Nothing what="services" clearFilters={undefined} />}
        isEmpty={(map) => map.nodes.length === 0}
      >
        {(map) => <Canvas map={map} />}
      </Outcome>
    </Page>
  );
}

interface Camera {
  /** Pixels of the canvas per unit of the layout, and where the layout's origin lies. */
  scale: number;
  x: number;
  y: number;
}

function fit(placed: MapLayout, width: number, height: number): Camera {
  const scale = Math.min(width / placed.width, height / placed.height, 1.15);
  return { scale, x: (width - placed.width * scale) / 2, y: (height - placed.height * scale) / 2 };
}

function Canvas({ map }: { map: ServiceMap }) {
  const placed = useMemo(() => layoutMap(map), [map]);
  const { ref: sized, width, height } = useElementSize<HTMLDivElement>();
  const [moved, setMoved] = useState<Camera>();
  const camera = moved ?? fit(placed, Math.max(width, 1), Math.max(height, 1));
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const chosen = map.nodes.find((n) => (search.node === undefined ? n.name === search.find : n.id === search.node));
  const drag = useRef<{ x: number; y: number; camera: Camera; far: boolean } | undefined>(undefined);
  const svg = useRef<SVGSVGElement>(null);

  const choose = (id: string | undefined) =>
    void navigate({
      search: (before) => (id === undefined ? without(without(before, 'node'), 'find') : { ...before, node: id }),
      replace: true,
    });
  const zoom = (factor: number, at = { x: width / 2, y: height / 2 }) => {
    const scale = Math.min(Math.max(camera.scale * factor, 0.15), 3);
    const by = scale / camera.scale;
    setMoved({ scale, x: at.x - (at.x - camera.x) * by, y: at.y - (at.y - camera.y) * by });
  };
  const zoomNow = useRef(zoom);
  useEffect(() => {
    zoomNow.current = zoom;
  });
  useEffect(() => {
    const element = svg.current;
    if (element === null) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const at = { x: event.clientX - box.left, y: event.clientY - box.top };
      zoomNow.current(Math.exp(-Math.min(Math.max(event.deltaY, -100), 100) * 0.003), at);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  const near = useMemo(() => {
    if (chosen === undefined) return undefined;
    const ids = new Set([chosen.id]);
    for (const edge of map.edges) {
      if (edge.source === chosen.id) ids.add(edge.target);
      if (edge.target === chosen.id) ids.add(edge.source);
    }
    return ids;
  }, [map, chosen]);
  const busiest = Math.max(...map.edges.map((e) => e.red.requests), 1);

  const handlers = {
    onPointerDown: (event: PointerEvent<SVGSVGElement>) => {
      if (event.button === 0) drag.current = { x: event.clientX, y: event.clientY, camera, far: false };
    },
    onPointerMove: (event: PointerEvent<SVGSVGElement>) => {
      const start = drag.current;
      if (start === undefined) return;
      const dx = event.clientX - start.x;
      const dy = event.clientY - start.y;
      if (!start.far && Math.hypot(dx, dy) < 4) return;
      if (!start.far) event.currentTarget.setPointerCapture(event.pointerId);
      start.far = true;
      setMoved({ ...start.camera, x: start.camera.x + dx, y: start.camera.y + dy });
    },
    onPointerUp: () => {
      drag.current = undefined;
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
          onClick={() => choose(undefined)}
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
          <g transform={`translate(${camera.x},${camera.y}) scale(${camera.scale})`}>
            {placed.edges.map(({ edge, path }) => {
              const linked = chosen !== undefined && (edge.source === chosen.id || edge.target === chosen.id);
              return (
                <g
                  key={`${edge.source} ${edge.target}`}
                  className={classes.edge}
                  data-level={level(edge.red)}
                  data-dim={(chosen !== undefined && !linked) || undefined}
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
                chosen={node === chosen}
                dim={near !== undefined && !near.has(node.id)}
                onChoose={() => choose(node === chosen ? undefined : node.id)}
              />
            ))}
          </g>
        </svg>
        <div className={classes.tools}>
          <Tooltip label="Closer" position="left">
            <ActionIcon variant="default" aria-label="Zoom in" onClick={() => zoom(1.3)}>
              <IconPlus size={15} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Farther" position="left">
            <ActionIcon variant="default" aria-label="Zoom out" onClick={() => zoom(1 / 1.3)}>
              <IconMinus size={15} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Show all" position="left">
            <ActionIcon variant="default" aria-label="Show all" onClick={() => setMoved(undefined)}>
              <IconFocusCentered size={15} />
            </ActionIcon>
          </Tooltip>
        </div>
      </div>
      {chosen !== undefined && <NodePanel map={map} node={chosen} onChoose={choose} />}
    </div>
  );
}

const level = (red: RED | undefined) =>
  red === undefined || red.errorRate < 0.005 ? 'none' : red.errorRate > 0.05 ? 'high' : 'some';

const describe = (red: RED) =>
  `${formatRate(red.rate)}, ${formatPercent(red.errorRate)} errors, p50 ${formatDuration(red.p50)}, p95 ${formatDuration(red.p95)}`;

const typeNames = {
  service: 'Service',
  browser: 'Browser',
  database: 'Database',
  messaging: 'Messaging',
  external: 'External',
} as const;

/** Whether a node sends spans of its own. */
const sends = (node: MapNode) => node.type === 'service' || node.type === 'browser';

function NodeBox(props: { node: MapNode; x: number; y: number; chosen: boolean; dim: boolean; onChoose: () => void }) {
  const { node, x, y, chosen, dim, onChoose } = props;
  const colour = useServiceColour();
  const { width, height } = nodeSize;
  const isService = sends(node);
  const room = isService ? 19 : 16;
  const label = node.name.length > room ? `${node.name.slice(0, room - 1)}…` : node.name;
  const detail =
    node.red !== undefined
      ? `${formatRate(node.red.rate)} · ${formatDuration(node.red.p95)}`
      : node.system === ''
        ? typeNames[node.type]
        : node.system;
  return (
    <g
      className={classes.node}
      transform={`translate(${x - width / 2},${y - height / 2})`}
      tabIndex={0}
      role="button"
      aria-pressed={chosen}
      aria-label={`${typeNames[node.type]} ${node.name}${node.red === undefined ? '' : `, ${describe(node.red)}`}`}
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
      <text x={isService ? 24 : 34} y={22} className={classes.name}>
        {label}
      </text>
      <text x={isService ? 24 : 34} y={39} className={classes.detail}>
        {detail}
        {node.red !== undefined && level(node.red) !== 'none' && (
          <tspan className={classes.errors} data-level={level(node.red)}>
            {'  '}
            {formatPercent(node.red.errorRate)}
          </tspan>
        )}
      </text>
    </g>
  );
}

function NodePanel(props: { map: ServiceMap; node: MapNode; onChoose: (id: string | undefined) => void }) {
  const { map, node, onChoose } = props;
  const name = (id: string) => map.nodes.find((n) => n.id === id)?.name ?? id;
  const calls = map.edges.filter((e) => e.source === node.id);
  const callers = map.edges.filter((e) => e.target === node.id);
  return (
    <aside className={classes.panel} aria-label="Details">
      <div className={classes.title}>
        <div>
          <small>
            {typeNames[node.type]}
            {node.system === '' ? '' : ` · ${node.system}`}
            {node.address === '' ? '' : ` · ${node.address}`}
          </small>
          <h2>{node.name}</h2>
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
      {node.red !== undefined && (
        <dl className={classes.figures}>
          {(
            [
              ['Requests', formatRate(node.red.rate)],
              ['Errors', formatPercent(node.red.errorRate)],
              ['p50', formatDuration(node.red.p50)],
              ['p95', formatDuration(node.red.p95)],
              ['p99', formatDuration(node.red.p99)],
            ] as const
          ).map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {node.type === 'service' && (
        <p className={classes.links}>
          <Link to="/traces" search={{ service: node.name }}>
            Traces
          </Link>
          <Link to="/traces" search={{ service: node.name, errors: '1' }}>
            Errors
          </Link>
          <Link to="/logs" search={{ service: node.name }}>
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
                      <button type="button" onClick={() => onChoose(other(edge))}>
                        {name(other(edge))}
                      </button>
                      <span title={describe(edge.red)}>
                        {formatRate(edge.red.rate)} · {formatDuration(edge.red.p95)}
                        {edge.red.errorRate > 0 && (
                          <i data-level={level(edge.red)}> {formatPercent(edge.red.errorRate)}</i>
                        )}
                      </span>
                    </li>
                  ))}
              </ul>
            </section>
          ),
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
