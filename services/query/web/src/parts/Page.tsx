import { useEffect, type ReactNode } from 'react';
import type { Answer } from '../api/model';
import { Boundary } from './Boundary';
import { Banner } from './Banner';
import { Freshness } from './Freshness';
import { LossNote } from './LossNote';
import classes from './Page.module.css';
import { RangePicker } from './RangePicker';
import { RefreshControl } from './RefreshControl';
import { room, shownText } from './shown';

interface Props {
  /** The document's title and, unless `heading` is given, the heading. */
  title: string;
  heading?: ReactNode;
  /** The answer on screen, for the freshness indicator. */
  answer: Answer<unknown> | undefined;
  /** Pages about one thing have no range to choose. */
  range?: boolean;
  children: ReactNode;
}

/** The frame of every page: its name, how fresh it is, its time range, and below it the content, which scrolls itself. */
export function Page({ title, heading, answer, range = true, children }: Props) {
  useEffect(() => {
    document.title = `${shownText(title, room.title)} · ollyScale`;
  }, [title]);
  return (
    <div className={classes.page}>
      <header className={classes.bar}>
        <h1>{heading ?? title}</h1>
        <div className={classes.controls}>
          <Boundary part="How fresh it is" of={answer}>
            <Freshness answer={answer} />
          </Boundary>
          {range && <RangePicker />}
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
