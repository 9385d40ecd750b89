import { Tabs } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { Boundary } from '../../parts/Boundary';
import { Page } from '../../parts/Page';
import { compact } from '../../route/search';
import { AboutTab } from './AboutTab';
import { DeadLettersTab } from './DeadLettersTab';
import { KeysTab } from './KeysTab';
import { RetentionTab } from './RetentionTab';
import { SendTab } from './SendTab';
import { tabs, type SettingsSearch, type Tab } from './settings';
import { StorageTab } from './StorageTab';
import { UsageTab } from './UsageTab';
import classes from './Settings.module.css';

const route = getRouteApi('/settings');

/** What an installation is told to do, what it has, and what it is. */
export function SettingsPage() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const tab = search.tab ?? 'retention';
  const change = (part: { [K in keyof SettingsSearch]: SettingsSearch[K] | undefined }) =>
    void navigate({ search: (before) => compact({ ...before, ...part }), replace: true });
  const choose = (next: Tab) =>
    void navigate({
      search: (before) =>
        compact({
          ...before,
          ...{ signal: undefined, code: undefined, letter: undefined, all: undefined },
          tab: next === 'retention' ? undefined : next,
        }),
    });
  const title = tabs.find(({ id }) => id === tab)?.label ?? '';
  return (
    <Page title={`${title} · Settings`} heading="Settings" answer={undefined} range={tab === 'usage'}>
      <Tabs
        value={tab}
        onChange={(value) => choose(tabs.find(({ id }) => id === value)?.id ?? 'retention')}
        keepMounted={false}
        className={classes.tabs}
        classNames={{ list: classes.list, panel: classes.panel }}
      >
        <Tabs.List aria-label="Settings">
          {tabs.map(({ id, label }) => (
            <Tabs.Tab key={id} value={id}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>
          <Boundary part={title} of={tab}>
            {tab === 'retention' && <RetentionTab />}
            {tab === 'keys' && <KeysTab />}
            {tab === 'usage' && <UsageTab search={search} change={change} />}
            {tab === 'storage' && <StorageTab />}
            {tab === 'dead-letters' && <DeadLettersTab search={search} change={change} />}
            {tab === 'send' && <SendTab />}
            {tab === 'about' && <AboutTab />}
          </Boundary>
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
