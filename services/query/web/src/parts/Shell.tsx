import { ActionIcon, SegmentedControl, Tooltip, useMantineColorScheme } from '@mantine/core';
import {
  IconApi,
  IconChartLine,
  IconDeviceDesktop,
  IconLayoutSidebarLeftCollapse,
  IconLayoutSidebarLeftExpand,
  IconListTree,
  IconLogs,
  IconMoon,
  IconServer2,
  IconSitemap,
  IconSun,
  type Icon,
} from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { Account } from './Account';
import classes from './Shell.module.css';
import { load, save } from './storage';

interface Place {
  to: '/traces' | '/logs' | '/explore/metrics' | '/services' | '/map';
  label: string;
  icon: Icon;
}

const places: readonly Place[] = [
  { to: '/services', label: 'Services', icon: IconServer2 },
  { to: '/traces', label: 'Traces', icon: IconListTree },
  { to: '/logs', label: 'Logs', icon: IconLogs },
  { to: '/explore/metrics', label: 'Metrics', icon: IconChartLine },
  { to: '/map', label: 'Service map', icon: IconSitemap },
];

/** The frame around all pages: where to go, and the theme. */
export function Shell({ children }: { children: ReactNode }) {
  const [narrow, setNarrow] = useState(() => load('nav') === 'narrow');
  const toggle = () => {
    save('nav', narrow ? 'wide' : 'narrow');
    setNarrow(!narrow);
  };
  return (
    <div className={classes.shell} data-narrow={narrow || undefined}>
      <a href="#content" className={classes.skip}>
        Skip to content
      </a>
      <nav className={classes.nav} aria-label="Main">
        <Link to="/services" search={{}} className={classes.logo} aria-label="ollyScale, start page">
          <img src="/icon.svg" alt="" width={26} height={26} />
          <span>
            olly<b>Scale</b>
          </span>
        </Link>
        <ul>
          {places.map(({ to, label, icon: Icon }) => (
            <li key={to}>
              <Tooltip label={label} position="right" disabled={!narrow}>
                <Link
                  to={to}
                  search={{}}
                  className={classes.place}
                  activeProps={{ 'data-active': true, 'aria-current': 'page' }}
                  activeOptions={{ includeSearch: false }}
                  aria-label={label}
                >
                  <Icon size={18} stroke={1.7} />
                  <span>{label}</span>
                </Link>
              </Tooltip>
            </li>
          ))}
        </ul>
        <Account narrow={narrow} />
        <div className={classes.foot}>
          <ThemeSwitch narrow={narrow} />
          <Tooltip label="HTTP API" position="right">
            <ActionIcon component="a" href="/docs" variant="subtle" color="gray" size={28} aria-label="HTTP API">
              <IconApi size={17} />
            </ActionIcon>
          </Tooltip>
          <Tooltip label={narrow ? 'Widen the navigation' : 'Narrow the navigation'} position="right">
            <ActionIcon
              variant="subtle"
              color="gray"
              size={28}
              onClick={toggle}
              aria-label={narrow ? 'Widen the navigation' : 'Narrow the navigation'}
            >
              {narrow ? <IconLayoutSidebarLeftExpand size={17} /> : <IconLayoutSidebarLeftCollapse size={17} />}
            </ActionIcon>
          </Tooltip>
        </div>
      </nav>
      {children}
    </div>
  );
}

const schemes = [
  { value: 'light', label: 'Light', icon: IconSun },
  { value: 'dark', label: 'Dark', icon: IconMoon },
  { value: 'auto', label: 'As the system', icon: IconDeviceDesktop },
] as const;

function ThemeSwitch({ narrow }: { narrow: boolean }) {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  if (narrow) {
    const at = schemes.findIndex((s) => s.value === colorScheme);
    const { icon: Icon, label } = schemes[at] ?? schemes[2];
    const next = schemes[(at + 1) % schemes.length] ?? schemes[0];
    return (
      <Tooltip label={`Theme: ${label}`} position="right">
        <ActionIcon
          variant="subtle"
          color="gray"
          size={28}
          aria-label={`Theme: ${label}. Change to ${next.label}`}
          onClick={() => setColorScheme(next.value)}
        >
          <Icon size={17} />
        </ActionIcon>
      </Tooltip>
    );
  }
  return (
    <SegmentedControl
      size="xs"
      aria-label="Theme"
      value={colorScheme}
      onChange={(value) => setColorScheme(value)}
      data={schemes.map(({ value, label, icon: Icon }) => ({
        value,
        label: (
          <Tooltip label={label}>
            <span className={classes.scheme}>
              <Icon size={14} aria-label={label} />
            </span>
          </Tooltip>
        ),
      }))}
    />
  );
}
