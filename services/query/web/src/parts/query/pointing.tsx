import { Menu } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCopy, IconEqual, IconEqualNot, IconFocus2 } from '@tabler/icons-react';
import { useNavigate, useRouterState } from '@tanstack/react-router';
import { createContext, use, useMemo, useState, type MouseEvent, type ReactNode } from 'react';
import type { Literal } from '../../api/endpoints';
import type { Signal, Value } from '../../api/model';
import { exclude, include, isPrefix, only, type Pointed } from '../../filter/edit';
import type { Grammar } from '../../filter/grammar';
import { useQueryText } from '../../route/query';
import { useGrammar } from '../grammar';
import classes from './pointing.module.css';

/** The list of a signal, where its query is asked. */
const pageOf = { traces: '/traces', logs: '/logs', metrics: '/explore/metrics' } as const;

interface Open {
  signal: Signal;
  pointed: Pointed;
  shown: string;
  at: DOMRect;
}

const PointContext = createContext<((open: Open) => void) | null>(null);

/** Holds the one menu that every value opens: a list of thousands of values has no menu for each. */
export function Pointing({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<Open>();
  return (
    <PointContext value={setOpen}>
      {children}
      {open !== undefined && (
        <ValueMenu key={`${open.at.x} ${open.at.y}`} open={open} onClose={() => setOpen(undefined)} />
      )}
    </PointContext>
  );
}

function ValueMenu({ open: { signal, pointed, shown, at }, onClose }: { open: Open; onClose: () => void }) {
  const change = useChange(signal);
  // Where the page is not served by https there is none to copy to, which it knows.
  const clipboard = useClipboard();
  const items = [
    { label: 'Ask for this alone', icon: IconFocus2, by: 'only' },
    { label: 'Include this', icon: IconEqual, by: 'include' },
    { label: 'Exclude this', icon: IconEqualNot, by: 'exclude' },
  ] as const;
  return (
    <Menu opened onChange={(opened) => !opened && onClose()} position="bottom-start" width={240} returnFocus>
      <Menu.Target>
        <span className={classes.anchor} style={{ left: at.left, top: at.top, width: at.width, height: at.height }} />
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label className={classes.label}>
          <bdi>{pointed.field}</bdi> = <bdi>{shown}</bdi>
        </Menu.Label>
        {items.map(({ label, icon: Icon, by }) => (
          <Menu.Item
            key={by}
            leftSection={<Icon size={14} />}
            disabled={change === undefined}
            onClick={() => change?.(by, pointed)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Item leftSection={<IconCopy size={14} />} onClick={() => clipboard.copy(shown)}>
          Copy the value
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

type By = 'only' | 'include' | 'exclude';

const by: Readonly<Record<By, (text: string, pointed: Pointed, grammar: Grammar) => string>> = {
  only: (_, pointed, grammar) => only(pointed, grammar),
  include,
  exclude,
};

/**
 * Changes what is asked of a signal by a value: on its list the query there, elsewhere by going to the list, whose query then
 * is about that value alone. Undefined until it is known what can be asked.
 */
export function useChange(signal: Signal): ((how: By, pointed: Pointed) => void) | undefined {
  const { data: grammar } = useGrammar(signal);
  const { text, set } = useQueryText();
  const here = useRouterState({ select: ({ location }) => location.pathname === pageOf[signal] });
  const navigate = useNavigate();
  return useMemo(() => {
    if (grammar === undefined) return undefined;
    return (how: By, pointed: Pointed) => {
      if (here) set(by[how](text, pointed, grammar));
      else void navigate({ to: pageOf[signal], search: { q: by[how]('', pointed, grammar) } });
    };
  }, [grammar, text, set, here, navigate, signal]);
}

/** The literal of a value; undefined of lists and maps, which no filter compares with. */
export function literalOf(value: Value): Literal | undefined {
  switch (value.type) {
    case 'string':
    case 'int':
    case 'bool':
      return value.value;
    case 'double':
    case 'bytes':
    case 'empty':
      return value;
    default:
      return undefined;
  }
}

interface Props {
  signal: Signal;
  /** As filters call it. */
  field: string;
  value: Literal;
  /** What is copied, and what the menu says. */
  shown: string;
  /** Within a link or a row that opens: a mouse can point at it, the keyboard goes to the facets and the query. */
  within?: boolean;
  className?: string | undefined;
  children: ReactNode;
}

/** A value of the data that opens the menu: only it, it too, not it. */
export function Pointable({ signal, field, value, shown, within = false, className, children }: Props) {
  const open = use(PointContext);
  if (open === null || isPrefix(field)) return <span className={className}>{children}</span>;
  const onClick = (event: MouseEvent<HTMLElement>) => {
    // The link around it goes to a new tab by these.
    if (within && (event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    open({ signal, pointed: { field, value }, shown, at: event.currentTarget.getBoundingClientRect() });
  };
  if (within) {
    return (
      <span className={`${classes.within} ${className ?? ''}`} onClick={onClick}>
        {children}
      </span>
    );
  }
  return (
    <button
      type="button"
      className={`${classes.value} ${className ?? ''}`}
      aria-haspopup="menu"
      aria-label={`Filter by ${field} = ${shown.slice(0, 200)}`}
      onClick={onClick}
    >
      {children}
    </button>
  );
}
