import type { ReactNode } from 'react';
import type { KeyScope } from '../../api/installation';
import { useMe } from '../../parts/me';
import { may } from './settings';
import classes from './Settings.module.css';

interface Props {
  title: string;
  /** What it is and what follows from it. */
  about?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** A part of a tab, under its own heading. */
export function Section({ title, about, actions, children }: Props) {
  return (
    <section className={classes.section} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {actions}
      </header>
      {about !== undefined && <p className={classes.about}>{about}</p>}
      {children}
    </section>
  );
}

/** A table that scrolls by itself where it is wider than the window. */
export function Table({ label, head, children }: { label: string; head: readonly Head[]; children: ReactNode }) {
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={`${label}, table`}>
      <table className={classes.table} aria-label={label}>
        <thead>
          <tr>
            {head.map((of) => (
              <th key={of.text} scope="col" data-figure={of.figure ?? undefined}>
                {of.hidden === true ? <span className={classes.hidden}>{of.text}</span> : of.text}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export interface Head {
  text: string;
  /** Stands to the right. */
  figure?: true;
  /** For those who cannot see the column. */
  hidden?: true;
}

/** Said in place of what somebody may not see or do. */
export function NotAllowed({ needs, what }: { needs: KeyScope; what: string }) {
  const me = useMe();
  if (me === undefined || may(me.scopes, needs)) return null;
  return (
    <p className={classes.none} role="note">
      {what} needs the scope {needs}, and you have {me.scopes.length === 0 ? 'none' : me.scopes.join(', ')}.
    </p>
  );
}

/** Whether whoever asks may do what needs a scope. */
export function useMay(needed: KeyScope): boolean {
  const me = useMe();
  return me !== undefined && may(me.scopes, needed);
}

export const None = ({ children }: { children: ReactNode }) => <p className={classes.none}>{children}</p>;
