import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';
import { tabs, useAddress, type Tab } from './address';
import type { Source } from './source';
import classes from './TraceTabs.module.css';

const names: Readonly<Record<Tab, string>> = {
  waterfall: 'Waterfall',
  flame: 'Flame',
  table: 'Table',
  logs: 'Logs',
  map: 'Map',
  json: 'JSON',
  compare: 'Compare',
};

/** What a file does not have: logs of its spans, and other traces beside it. */
const ofStored: ReadonlySet<Tab> = new Set<Tab>(['logs', 'compare']);

/** The ways of looking at a trace; which one is open stands in the address. The tools of the open one stand beside them. */
export function TraceTabs({ tab, source, tools }: { tab: Tab; source: Source; tools: ReactNode }) {
  const { change } = useAddress();
  const shown = tabs.filter((t) => source.kind === 'stored' || !ofStored.has(t));
  return (
    <div className={classes.bar}>
      <Tabs
        value={tab}
        onChange={(next) => {
          const to = tabs.find((t) => t === next);
          change({ tab: to === 'waterfall' ? undefined : to });
        }}
        className={classes.tabs}
      >
        <Tabs.List aria-label="Ways of looking at the trace">
          {shown.map((t) => (
            <Tabs.Tab key={t} value={t}>
              {names[t]}
              {t === 'logs' && source.kind === 'stored' && source.logs.data !== undefined && (
                <span className={classes.count}>
                  {source.logs.data.length}
                  {source.logs.hasMore ? '+' : ''}
                </span>
              )}
            </Tabs.Tab>
          ))}
        </Tabs.List>
      </Tabs>
      {tools}
    </div>
  );
}
