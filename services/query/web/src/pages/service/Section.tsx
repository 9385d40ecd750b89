import type { ReactNode } from 'react';
import classes from './ServicePage.module.css';

interface Props {
  title: string;
  /** What the title leaves unsaid: what the figures are over, how many there are. */
  note?: ReactNode;
  /** Where the rest is. */
  links?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

/** A part of the page of a service, under its own heading. */
export function Section({ title, note, links, wide = false, children }: Props) {
  return (
    <section className={`${classes.section} ${wide ? classes.wide : ''}`} aria-label={title}>
      <header>
        <h2>
          {title}
          {note !== undefined && <small>{note}</small>}
        </h2>
        {links !== undefined && <div>{links}</div>}
      </header>
      {children}
    </section>
  );
}

/** Said where a part has nothing to show. */
export const None = ({ children }: { children: ReactNode }) => <p className={classes.none}>{children}</p>;
