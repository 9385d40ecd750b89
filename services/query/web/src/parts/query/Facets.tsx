import { ActionIcon, Skeleton, Tooltip } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import {
  IconEqualNot,
  IconFocus2,
  IconLayoutSidebarLeftCollapse,
  IconLayoutSidebarLeftExpand,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { getFacets, type Filter } from '../../api/endpoints';
import type { CountedValue, Facet, Signal } from '../../api/model';
import { exclude, include, isCut, only, standing } from '../../filter/edit';
import { bareKey, type Grammar } from '../../filter/grammar';
import { filterKey } from '../../filter/print';
import { useQueryText } from '../../route/query';
import { useTimeRange } from '../../route/time';
import { formatInstant } from '../../time/instant';
import { rangeToSearch, resolveRange } from '../../time/range';
import { useGrammar } from '../grammar';
import { formatCount, plural } from '../number';
import { useRefresh } from '../refresh';
import { said } from '../said';
import { load, save } from '../storage';
import { valueText } from '../value';
import { defaultFields, isShown, mostFields } from './facetFields';
import classes from './Facets.module.css';
import { FieldChooser } from './FieldChooser';
import type { Filters } from './filters';
import { ownFilters } from '../../filter/query';
import { literalOf } from './pointing';
import { useKeys } from './useSuggestions';

/** Values of each field that are shown. */
const told = 8;

/** In a narrower window the list has all of it. */
const roomForRail = '(min-width: 901px)';

interface Props {
  signal: Signal;
  /** What the list is asked for. */
  filters: Filters;
  /** What its items are called: "spans". */
  items: string;
  /** The list. */
  children: ReactNode;
}

/** A list with the most frequent values of some fields beside it, to narrow it by. */
export function Faceted({ signal, filters, items, children }: Props) {
  const [open, setOpen] = useState(() => load('facets') !== 'closed');
  const room = useMediaQuery(roomForRail, undefined, { getInitialValueInEffect: false });
  const toggle = () => {
    save('facets', open ? 'closed' : 'open');
    setOpen(!open);
  };
  const { data: grammar } = useGrammar(signal);
  const fields = useFields(signal, grammar);
  // Nothing is asked for a rail that nobody sees.
  if (!room) return <div className={classes.content}>{children}</div>;
  return (
    <div className={classes.split}>
      <aside className={classes.rail} data-open={open || undefined} aria-label="Facets">
        <div className={classes.head}>
          {open && <h2>Facets</h2>}
          {open && grammar !== undefined && (
            <FieldChooser
              label="Choose the facets"
              signal={signal}
              grammar={grammar}
              fields={fields.fields}
              most={mostFields}
              choose={fields.choose}
              reset={fields.chosen ? () => fields.choose(undefined) : undefined}
            />
          )}
          <Tooltip label={open ? 'Hide the facets' : 'Show the facets'} position="right">
            <ActionIcon
              variant="subtle"
              color="gray"
              size={24}
              aria-label={open ? 'Hide the facets' : 'Show the facets'}
              aria-expanded={open}
              onClick={toggle}
            >
              {open ? <IconLayoutSidebarLeftCollapse size={15} /> : <IconLayoutSidebarLeftExpand size={15} />}
            </ActionIcon>
          </Tooltip>
        </div>
        {open && grammar !== undefined && filters.data !== undefined && (
          <Rail signal={signal} grammar={grammar} of={fields} filters={filters.data} items={items} />
        )}
      </aside>
      <div className={classes.content}>{children}</div>
    </div>
  );
}

/** The fields that were chosen in this browser, or those that say most where none were. */
interface Fields {
  fields: readonly string[];
  chosen: boolean;
  /** Undefined chooses none. */
  choose: (fields: readonly string[] | undefined) => void;
}

function useFields(signal: Signal, grammar: Grammar | undefined): Fields {
  const name = `facets.${signal}`;
  const [chosen, setChosen] = useState(() => readChosen(name));
  const keys = useKeys(signal, chosen === undefined);
  const choose = (fields: readonly string[] | undefined) => {
    save(name, fields === undefined ? '' : JSON.stringify(fields));
    setChosen(fields);
  };
  if (chosen !== undefined) return { fields: chosen, chosen: true, choose };
  const known = grammar === undefined || keys.isPending ? [] : defaultFields(grammar, keys.data?.data ?? []);
  return { fields: known, chosen: false, choose };
}

function readChosen(name: string): readonly string[] | undefined {
  try {
    const parsed: unknown = JSON.parse(load(name) ?? '');
    return Array.isArray(parsed) && parsed.every((f) => typeof f === 'string') ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function Rail(props: { signal: Signal; grammar: Grammar; of: Fields; filters: readonly Filter[]; items: string }) {
  const { signal, grammar, filters, items } = props;
  const { fields, chosen } = props.of;
  const { own, less } = ownFilters(filters);
  const range = useTimeRange();
  const { tick } = useRefresh();
  const question = JSON.stringify([signal, fields, filterKey(own), rangeToSearch(range)]);
  const query = useQuery({
    queryKey: ['facets', question, tick],
    queryFn: async ({ signal: abort }) => ({
      ...(await getFacets(signal, fields, told, own, resolveRange(range, Date.now()), abort)),
      question,
    }),
    enabled: fields.length > 0,
    staleTime: Infinity,
    gcTime: 60_000,
    placeholderData: (previous) => previous,
  });
  if (fields.length === 0 && chosen) return <p className={classes.note}>None is chosen</p>;
  if (query.data === undefined) {
    return query.error === null ? <Waiting /> : <p className={classes.note}>{said(query.error)}</p>;
  }
  return (
    <div className={classes.facets} data-stale={query.data.question !== question || undefined}>
      {query.error !== null && <p className={classes.note}>{said(query.error)}</p>}
      {less && <p className={classes.note}>Counts leave out what is asked of other spans of the trace.</p>}
      {query.data.incomplete !== undefined && (
        <p className={classes.note}>Counts are at least so many: {query.data.incomplete}.</p>
      )}
      {query.data.data
        .filter((facet) => chosen || isShown(facet))
        .map((facet) => (
          <FacetView
            key={facet.field}
            facet={facet}
            grammar={grammar}
            items={items}
            atLeast={query.data.incomplete !== undefined}
          />
        ))}
    </div>
  );
}

function Waiting() {
  return (
    <div className={classes.waiting} role="status" aria-label="Loading the facets">
      {Array.from({ length: 9 }, (_, i) => (
        <Skeleton key={i} height={10} width={`${90 - ((i * 23) % 50)}%`} />
      ))}
    </div>
  );
}

function FacetView(props: { facet: Facet; grammar: Grammar; items: string; atLeast: boolean }) {
  const { facet, grammar, items, atLeast } = props;
  const most = facet.values.reduce((max, v) => Math.max(max, v.count), 1);
  const others = facet.distinct - facet.values.length;
  // The short name only where it is the name of nothing else.
  const title = (facet.field.startsWith('attributes.') ? bareKey(facet.field, grammar) : undefined) ?? facet.field;
  return (
    <details className={classes.facet} open>
      <summary title={facet.field}>
        <bdi>{title}</bdi>
        <small>
          {facet.distinctAtLeast && 'at least '}
          {formatCount(facet.distinct)}
        </small>
      </summary>
      <ul aria-label={`Values of ${facet.field}`}>
        {facet.values.map((value, i) => (
          <ValueRow key={i} facet={facet} value={value} grammar={grammar} items={items} most={most} atLeast={atLeast} />
        ))}
      </ul>
      {facet.values.length === 0 && <p className={classes.rest}>None has it</p>}
      {facet.other > 0 && (
        <p className={classes.rest}>
          {facet.distinctAtLeast ? 'at least ' : ''}
          {plural(others, 'more value')}: {formatCount(facet.other)}
        </p>
      )}
      {facet.missing > 0 && facet.values.length > 0 && (
        <p className={classes.rest}>{formatCount(facet.missing)} without it</p>
      )}
      {facet.since !== undefined && <p className={classes.rest}>since {formatInstant(facet.since, 0)}</p>}
    </details>
  );
}

function ValueRow(props: {
  facet: Facet;
  value: CountedValue;
  grammar: Grammar;
  items: string;
  most: number;
  atLeast: boolean;
}) {
  const { facet, value, grammar, items, most, atLeast } = props;
  const { text, set } = useQueryText();
  const literal = literalOf(value.value);
  const shown = valueText(value.value);
  if (literal === undefined || isCut(facet.field, literal)) {
    return (
      <li className={classes.value} data-fixed>
        <Label value={value} most={most} atLeast={atLeast} />
      </li>
    );
  }
  const pointed = { field: facet.field, value: literal };
  const is = standing(text, pointed, grammar);
  const name = `${facet.field} = ${shown.slice(0, 100)}`;
  return (
    <li className={classes.value} data-is={is}>
      <button
        type="button"
        className={classes.include}
        aria-pressed={is === 'in'}
        aria-label={`${name} ${atLeast ? '≥ ' : ''}${formatCount(value.count)} ${items}`}
        onClick={() => set(include(text, pointed, grammar))}
      >
        <Label value={value} most={most} atLeast={atLeast} />
      </button>
      <span className={classes.actions}>
        <Tooltip label="Ask for this alone">
          <ActionIcon
            variant="default"
            size={24}
            aria-label={`Only ${name}`}
            onClick={() => set(only(pointed, grammar))}
          >
            <IconFocus2 size={12} />
          </ActionIcon>
        </Tooltip>
        <Tooltip label={is === 'out' ? 'No longer exclude this' : 'Exclude this'}>
          <ActionIcon
            variant="default"
            size={24}
            aria-label={`Exclude ${name}`}
            aria-pressed={is === 'out'}
            onClick={() => set(exclude(text, pointed, grammar))}
          >
            <IconEqualNot size={12} />
          </ActionIcon>
        </Tooltip>
      </span>
    </li>
  );
}

interface LabelProps {
  value: CountedValue;
  most: number;
  atLeast: boolean;
}

function Label({ value: { value, count }, most, atLeast }: LabelProps) {
  const shown = valueText(value);
  // A text without characters is another value than one without content.
  const none = value.type === 'empty' ? 'no content' : 'empty text';
  return (
    <>
      <span className={classes.bar} style={{ width: `${Math.max((count / most) * 100, 1)}%` }} aria-hidden />
      <bdi title={shown.slice(0, 300)}>{shown === '' ? <i>{none}</i> : shown.slice(0, 200)}</bdi>{' '}
      <small>
        {atLeast && '≥ '}
        {formatCount(count)}
      </small>
    </>
  );
}
