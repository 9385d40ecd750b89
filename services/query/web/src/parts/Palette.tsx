import { Modal, useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useId, useMemo, useRef, useState, type KeyboardEvent } from 'react';
import { getSavedQuery, listMetrics, listSavedQueries } from '../api/endpoints';
import type { CatalogueMetric, SavedQuery, Service, Signal } from '../api/model';
import { quote, textOf } from '../filter/print';
import { readQuery } from '../filter/query';
import { compact } from '../route/search';
import { useTimeRange } from '../route/time';
import { rangeToSearch, resolveRange } from '../time/range';
import { densities, density } from './density';
import { useGrammar } from './grammar';
import { tracesOf } from './leads';
import { offersFor, type Offer } from './palette';
import classes from './Palette.module.css';
import { places } from './places';
import { useRefresh } from './refresh';
import { said } from './said';
import { schemes } from './schemes';
import { hasPage } from './ServiceLink';
import { useServices } from './service-colours';
import { Text } from './Text';
import { traceReferenceIn } from './traceReference';

/** An offer, and what choosing it does. What takes its time says by its answer what went wrong. */
interface Act extends Offer {
  run: () => void | Promise<void>;
}

const listOf: Readonly<Record<Signal, { to: '/traces' | '/logs' | '/explore/metrics'; label: string }>> = {
  traces: { to: '/traces', label: 'Traces' },
  logs: { to: '/logs', label: 'Logs' },
  metrics: { to: '/explore/metrics', label: 'Metrics' },
};

interface Props {
  onClose: () => void;
  onHelp: () => void;
}

/** Finds pages, services, metrics, saved queries and settings by what is typed, and the trace that a pasted text names. */
export function Palette({ onClose, onHelp }: Props) {
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const [problem, setProblem] = useState<string>();
  const list = useId();
  const acts = useActs(text, onHelp);
  const at = Math.min(active, acts.length - 1);
  const listed = useRef<HTMLDivElement>(null);
  useEffect(() => listed.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' }), [at]);
  const choose = (act: Act | undefined) => {
    if (act === undefined) return;
    const done = act.run();
    if (done === undefined) return onClose();
    done.then(onClose, (error: Error) => setProblem(`${act.label}: ${said(error)}`));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setActive(acts.length === 0 ? 0 : (at + step + acts.length) % acts.length);
    else if (event.key === 'Enter') choose(acts[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal.Root opened onClose={onClose} size={620} yOffset="12vh">
      <Modal.Overlay />
      <Modal.Content aria-label="Find anything">
        <Modal.Body p={0}>
          <input
            className={classes.input}
            data-autofocus
            role="combobox"
            aria-label="Find anything"
            aria-autocomplete="list"
            aria-expanded={acts.length > 0}
            aria-controls={list}
            aria-activedescendant={at < 0 ? undefined : `${list}-${at}`}
            placeholder="Go to a page, service, metric or query; paste a trace id, traceparent or log line"
            value={text}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => {
              setText(event.currentTarget.value);
              setActive(0);
              setProblem(undefined);
            }}
            onKeyDown={onKeyDown}
          />
          <div ref={listed} className={classes.list} id={list} role="listbox" aria-label="What was found">
            {grouped(acts).map(({ group, of }) => (
              <div key={group} role="group" aria-label={group}>
                {/* Said by the group: a list of options may hold nothing but these. */}
                <h3 aria-hidden>{group}</h3>
                {of.map(({ act, i }) => (
                  <div
                    key={act.id}
                    id={`${list}-${i}`}
                    className={classes.offer}
                    role="option"
                    aria-selected={i === at}
                    onMouseMove={() => setActive(i)}
                    onClick={() => choose(act)}
                  >
                    <Text of={act.label} most={200} />
                    {act.note !== undefined && (
                      <small>
                        <Text of={act.note} most={120} />
                      </small>
                    )}
                  </div>
                ))}
              </div>
            ))}
          </div>
          {acts.length === 0 && <p className={classes.none}>Nothing here is called so.</p>}
          <p className={classes.foot} role="status">
            {problem ?? '↑ ↓ choose · Enter opens · Esc closes'}
          </p>
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

/** In their order, which has each group in one piece. */
function grouped(acts: readonly Act[]): { group: string; of: { act: Act; i: number }[] }[] {
  const groups: { group: string; of: { act: Act; i: number }[] }[] = [];
  acts.forEach((act, i) => {
    const last = groups.at(-1);
    if (last?.group === act.group) last.of.push({ act, i });
    else groups.push({ group: act.group, of: [{ act, i }] });
  });
  return groups;
}

/** What can be done by the palette: what the text names first, then what is found by it. */
function useActs(text: string, onHelp: () => void): readonly Act[] {
  const navigate = useNavigate();
  const services = useServices();
  const metrics = useMetrics();
  const saved = useSaved();
  const settings = useSettings(onHelp);
  const { data: grammar } = useGrammar('traces');
  const all = useMemo((): Act[] => {
    const pages = places.map(({ to, label, letter }): Act => ({
      id: to,
      group: 'Pages',
      label,
      note: `g ${letter}`,
      run: () => void navigate({ to, search: {} }),
    }));
    return [
      ...pages,
      ...services.map((service) => serviceAct(service, navigate)),
      ...metrics.map((name): Act => ({
        id: `metric ${name}`,
        group: 'Metrics',
        label: name,
        run: () => void navigate({ to: '/explore/metrics', search: { name } }),
      })),
      ...saved,
      ...settings,
    ];
  }, [services, metrics, saved, settings, navigate]);
  return useMemo(() => {
    const trace = traceReferenceIn(text);
    const found = offersFor(all, trace === undefined ? text : '', unasked);
    const wanted = text.trim();
    if (trace !== undefined) {
      const { traceId, spanId } = trace;
      const open: Act = {
        id: 'trace',
        group: 'Trace',
        label: traceId,
        ...(spanId === undefined ? {} : { note: `span ${spanId}` }),
        run: () => void navigate({ to: '/traces/$traceId', params: { traceId }, search: compact({ span: spanId }) }),
      };
      return [open];
    }
    if (wanted === '') return found;
    const asks: Act[] = [];
    if (grammar !== undefined && readQuery(wanted, grammar).ok)
      asks.push({
        id: 'ask traces',
        group: 'Ask',
        label: `Traces where ${wanted}`,
        run: () => void navigate({ to: '/traces', search: { q: wanted } }),
      });
    asks.push({
      id: 'ask logs',
      group: 'Ask',
      label: `Logs with “${wanted}”`,
      run: () => void navigate({ to: '/logs', search: { q: quote(wanted) } }),
    });
    return [...found, ...asks];
  }, [text, all, grammar, navigate]);
}

/** The groups that are offered before anything is typed. */
const unasked = ['Pages', 'Saved queries', 'Settings'];

function serviceAct({ name, namespace }: Service, navigate: ReturnType<typeof useNavigate>): Act {
  const space = namespace === '' ? undefined : namespace;
  return {
    id: JSON.stringify([namespace, name]),
    group: 'Services',
    label: name,
    ...(space === undefined ? {} : { note: space }),
    run: () =>
      void (hasPage(name)
        ? navigate({ to: '/services/$name', params: { name }, search: compact({ namespace: space }) })
        : navigate({ to: '/traces', search: tracesOf({ service: name, namespace: space }) })),
  };
}

/** The names of the metrics of the range; at most a minute old. */
function useMetrics(): readonly string[] {
  const range = useTimeRange();
  const { data } = useQuery({
    queryKey: ['metric-names', rangeToSearch(range)],
    queryFn: ({ signal }) => listMetrics(resolveRange(range, Date.now()), signal),
    staleTime: 60_000,
  });
  return useMemo(() => namesOf(data?.data ?? []), [data]);
}

/** Two services may mean different things by one name. */
const namesOf = (metrics: readonly CatalogueMetric[]): string[] => [
  ...new Set(metrics.map(({ metric }) => metric.name)),
];

function useSaved(): readonly Act[] {
  const traces = useSavedOf('traces');
  const logs = useSavedOf('logs');
  const metrics = useSavedOf('metrics');
  return useMemo(() => [...traces, ...logs, ...metrics], [traces, logs, metrics]);
}

function useSavedOf(signal: Signal): readonly Act[] {
  const navigate = useNavigate();
  const { data: grammar } = useGrammar(signal);
  const { data } = useQuery({
    queryKey: ['saved-queries', signal],
    queryFn: (query) => listSavedQueries(signal, query.signal),
    staleTime: 10_000,
  });
  return useMemo(() => {
    if (grammar === undefined) return [];
    const open = async ({ id }: SavedQuery) => {
      const { filters, anywhere } = await getSavedQuery(id, new AbortController().signal);
      const search = compact({
        q: textOf(filters, grammar),
        scope: anywhere && signal === 'traces' ? ('trace' as const) : undefined,
      });
      await navigate({ to: listOf[signal].to, search });
    };
    return (data ?? []).map((query): Act => ({
      id: `saved ${query.id}`,
      group: 'Saved queries',
      label: query.name,
      note: listOf[signal].label,
      run: () => open(query),
    }));
  }, [data, grammar, signal, navigate]);
}

function useSettings(onHelp: () => void): readonly Act[] {
  const { setColorScheme } = useMantineColorScheme();
  const { now } = useRefresh();
  return useMemo(
    () => [
      { id: 'refresh', group: 'Settings', label: 'Refresh now', note: 'r', run: now },
      ...schemes.map(({ value, label }): Act => ({
        id: `scheme ${value}`,
        group: 'Settings',
        label: `Theme: ${label}`,
        run: () => setColorScheme(value),
      })),
      ...densities.map(({ value, label }): Act => ({
        id: `density ${value}`,
        group: 'Settings',
        label,
        words: 'density',
        run: () => density.set(value),
      })),
      // After this closes: one dialogue at a time.
      { id: 'keys', group: 'Settings', label: 'What keys do', note: '?', words: 'keyboard help', run: later(onHelp) },
    ],
    [setColorScheme, now, onHelp],
  );
}

const later = (run: () => void) => () => {
  window.setTimeout(run);
};
