import { useSearch } from '@tanstack/react-router';
import { useEffect, type ReactNode } from 'react';
import type { Answer } from '../api/model';
import { Boundary } from './Boundary';
import { Banner } from './Banner';
import { CopyLink } from './CopyLink';
import { Freshness } from './Freshness';
import { LossNote } from './LossNote';
import classes from './Page.module.css';
import { RangePicker } from './RangePicker';
import { RefreshControl } from './RefreshControl';
import { room, shownText } from './shown';

interface Props {
  /** The document's title, after what is asked there, and, unless `heading` is given, the heading. */
  title: string;
  heading?: ReactNode;
  /** The answer on screen, for the freshness indicator. */
  answer: Answer<unknown> | undefined;
  /** Pages about one thing have no range to choose. */
  range?: boolean;
  /** What nobody else has cannot be linked to. */
  link?: boolean;
  children: ReactNode;
}

/** The frame of every page: its name, how fresh it is, its time range, and below it the content, which scrolls itself. */
export function Page({ title, heading, answer, range = true, link = true, children }: Props) {
  const { q, name }: { q?: string; name?: string } = useSearch({ strict: false });
  const view = name ?? q;
  useEffect(() => {
    const parts = [...(view === undefined ? [] : [view]), title].map((part) => shownText(part, room.title));
    document.title = [...parts, 'ollyScale'].join(' · ');
  }, [title, view]);
  return (
    <div className={classes.page}>
      <header className={classes.bar}>
        <h1>{heading ?? title}</h1>
        <div className={classes.controls}>
          <Boundary part="How fresh it is" of={answer}>
            <Freshness answer={answer} />
          </Boundary>
          {range && <RangePicker />}
          {link && <CopyLink at={answer?.at} />}
          <RefreshControl />
        </div>
      </header>
      <Boundary part="What is wrong">
        <Banner />
        <LossNote answer={answer} />
      </Boundary>
      <main className={classes.content} id="content" tabIndex={-1}>
        <Boundary part="The page">{children}</Boundary>
      </main>
    </div>
  );
}
