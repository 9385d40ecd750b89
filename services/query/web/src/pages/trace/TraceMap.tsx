import { useMemo, type KeyboardEvent } from 'react';
import type { MapEdge, MapNode, RED } from '../../api/model';
import { plural } from '../../parts/number';
import { useServiceColour } from '../../parts/service-colours';
import { isolated, label, shownText } from '../../parts/shown';
import { formatDuration } from '../../time/duration';
import { edgeWidth, layoutMap, nodeSize } from '../map/layout';
import { participants, type Calls, type Participant } from './analysis';
import classes from './TraceMap.module.css';
import type { Tree } from './tree';

interface Props {
  tree: Tree;
  /** Shows the spans of a service. */
  onService: (service: string) => void;
}

/** Letters of a name that its box has room for. */
const room = 19;

/** Who takes part in a trace and who calls whom, from left to right. */
export function TraceMap({ tree, onService }: Props) {
  const graph = useMemo(() => participants(tree), [tree]);
  const placed = useMemo(() => layoutMap({ nodes: graph.nodes.map(asNode), edges: graph.edges.map(asEdge) }), [graph]);
  const known = useMemo(() => new Map(graph.nodes.map((node) => [node.id, node])), [graph]);
  const edges = useMemo(() => new Map(graph.edges.map((edge) => [edgeKey(edge), edge])), [graph]);
  const most = Math.max(...graph.edges.map(({ calls }) => calls), 1);
  return (
    <div className={classes.map} tabIndex={0} role="region" aria-label="Services of the trace">
      <p className={classes.note}>
        {plural(graph.nodes.length, 'participant')} of this trace alone. An arrow leads from the caller to the called;
        dashed is what sent no spans and is known by those of its callers.
      </p>
      <svg width={placed.width} height={placed.height} aria-label="Service graph of the trace">
        <defs>
          <marker
            id="trace-arrow"
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
        {placed.edges.map(({ edge, path }) => {
          const of = edges.get(edgeKey(edge));
          if (of === undefined) return null;
          const middle = middleOf(path);
          return (
            <g key={edgeKey(edge)} className={classes.edge} data-failed={of.errors > 0 || undefined}>
              <path d={path} strokeWidth={edgeWidth(of.calls, most)} markerEnd="url(#trace-arrow)" />
              <text x={middle.x} y={middle.y - 5}>
                {of.calls.toLocaleString('en-US')} × {formatDuration(of.duration / of.calls)}
              </text>
              <title>{callsText(of)}</title>
            </g>
          );
        })}
        {placed.nodes.map(({ node, x, y }) => {
          const of = known.get(node.id);
          return of && <Box key={node.id} of={of} x={x} y={y} onService={onService} />;
        })}
      </svg>
    </div>
  );
}

function Box({ of, x, y, onService }: { of: Participant; x: number; y: number; onService: (service: string) => void }) {
  const colour = useServiceColour();
  const { width, height } = nodeSize;
  const isService = of.type === 'service';
  const show = isService && of.name !== '' ? () => onService(of.name) : undefined;
  const told = isService
    ? `${plural(of.spans, 'span')} · ${formatDuration(of.selfTime)} self`
    : plural(of.spans, 'call');
  return (
    <g
      className={classes.node}
      transform={`translate(${x - width / 2},${y - height / 2})`}
      data-silent={!isService || undefined}
      data-failed={of.errors > 0 || undefined}
      aria-label={`${label(of.name)}, ${told}${of.errors > 0 ? `, ${plural(of.errors, 'error')}` : ''}`}
      {...(show === undefined
        ? { role: 'img' }
        : {
            role: 'button',
            tabIndex: 0,
            onClick: show,
            onKeyDown: (event: KeyboardEvent) => {
              if (event.key !== 'Enter' && event.key !== ' ') return;
              event.preventDefault();
              show();
            },
          })}
    >
      <rect width={width} height={height} rx={isService ? 8 : of.type === 'messaging' ? 24 : 3} />
      {isService && (
        <rect
          x={10}
          y={12}
          width={4}
          height={height - 24}
          rx={2}
          style={{ fill: colour(of.name) }}
          className={classes.strip}
        />
      )}
      <text x={22} y={20} className={classes.name}>
        {of.name === '' ? 'no service name' : isolated(of.name, room)}
      </text>
      <text x={22} y={37} className={classes.detail}>
        {told}
        {of.errors > 0 && <tspan className={classes.errors}> · {of.errors} failed</tspan>}
      </text>
      <title>{shownText(of.name, 200)}</title>
    </g>
  );
}

const edgeKey = ({ source, target }: { source: string; target: string }): string => JSON.stringify([source, target]);

const callsText = ({ calls, errors, duration }: Calls): string =>
  `${plural(calls, 'call')}, ${formatDuration(duration / calls)} on average${errors > 0 ? `, ${errors} failed` : ''}`;

/** No figures of time: a trace is no range. */
const red = (requests: number, errors: number): RED => ({
  ...{ requests, errors, rate: 0, errorRate: errors / Math.max(requests, 1) },
  ...{ p50: 0, p95: 0, p99: 0 },
});

const asNode = ({ id, name, type, spans, errors }: Participant): MapNode => ({
  ...{ id, name, type, namespace: '', system: '', address: '' },
  ...{ unmatchedCalls: 0, red: red(spans, errors), filters: [], nodes: undefined },
});

const asEdge = ({ source, target, calls, errors }: Calls): MapEdge => ({ source, target, red: red(calls, errors) });

/** About where a path is half way: between its ends. */
function middleOf(path: string): { x: number; y: number } {
  const numbers = [...path.matchAll(/-?\d+(?:\.\d+)?/g)].map(([text]) => Number(text));
  const [x = 0, y = 0] = numbers;
  const [toX = x, toY = y] = numbers.slice(-2);
  return { x: (x + toX) / 2, y: (y + toY) / 2 };
}
