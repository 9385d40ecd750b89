import { IconDatabaseOff, IconHeartbeat, IconPlugConnectedX, IconTool, type Icon } from '@tabler/icons-react';
import { formatClock, instantFromMillis } from '../time/instant';
import classes from './Banner.module.css';
import type { Standing, Trouble } from './trouble';
import { useStanding } from './Standing';

/** Says so while the server, its database or a part of it is not well. */
export function Banner() {
  const standing = useStanding();
  return standing === undefined ? null : <TroubleNote standing={standing} />;
}

const icons: Readonly<Record<Trouble['is'], Icon>> = {
  server: IconPlugConnectedX,
  database: IconDatabaseOff,
  maintenance: IconTool,
  part: IconHeartbeat,
};

export function TroubleNote({ standing: { trouble, since } }: { standing: Standing }) {
  if (trouble === undefined) return null;
  const Sign = icons[trouble.is];
  return (
    <div className={classes.banner} data-tone={trouble.is === 'part' ? 'warn' : 'bad'} role="status">
      <Sign size={16} stroke={1.8} aria-hidden />
      <p>
        <b>{headline(trouble, formatClock(instantFromMillis(since), 0))}</b> {detail(trouble)}
      </p>
    </div>
  );
}

function headline(trouble: Trouble, since: string): string {
  switch (trouble.is) {
    case 'server':
      return `ollyScale does not answer since ${since}.`;
    case 'database':
      return `The database is away since ${since}.`;
    case 'maintenance':
      return `The database is in maintenance since ${since}.`;
    case 'part':
      return `Not all is well since ${since}: ${trouble.what}.`;
  }
}

/** What it means for who looks, and what is known of the reason. */
function detail(trouble: Trouble): string {
  if (trouble.is === 'server') return 'What is shown stays as it was; it goes on by itself when the server is back.';
  const told = [sentence(trouble.message), sentence(trouble.advice)].filter((text) => text !== '').join(' ');
  return trouble.is === 'part' ? told : `What is shown stays as it was; it goes on by itself. ${told}`.trim();
}

function sentence(text: string): string {
  if (text === '') return '';
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
