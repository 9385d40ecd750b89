import { ActionIcon, SegmentedControl, Tooltip, useMantineColorScheme } from '@mantine/core';
import {
  IconApi,
  IconBaselineDensityMedium,
  IconBaselineDensitySmall,
  IconLayoutSidebarLeftCollapse,
  IconLayoutSidebarLeftExpand,
  IconSearch,
} from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { at } from '../api/base';
import { Account } from './Account';
import { density } from './density';
import { usePalette } from './Keyboard';
import { places } from './places';
import { usePreference } from './preference';
import { schemes } from './schemes';
import classes from './Shell.module.css';
import { load, save } from './storage';

/** The frame around all pages: where to go, and how it looks. */
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
          <img src={at('/icon.svg')} alt="" width={26} height={26} />
          <span>
            olly<b>Scale</b>
          </span>
        </Link>
        <FindAnything narrow={narrow} />
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
          <DensitySwitch />
          <Tooltip label="HTTP API" position="right">
            <ActionIcon component="a" href={at('/docs')} variant="subtle" color="gray" size={28} aria-label="HTTP API">
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

/** The way into the palette, for those who do not know its key. */
function FindAnything({ narrow }: { narrow: boolean }) {
  const palette = usePalette();
  if (palette === undefined) return null;
  return (
    <Tooltip label="Find anything (Ctrl K)" position="right" disabled={!narrow}>
      <button type="button" className={classes.find} onClick={palette} aria-label="Find anything Ctrl K">
        <IconSearch size={16} aria-hidden />
        <span>Find anything</span> <kbd>Ctrl K</kbd>
      </button>
    </Tooltip>
  );
}

function DensitySwitch() {
  const chosen = usePreference(density);
  const compact = chosen === 'compact';
  const label = compact ? 'Rows with more room' : 'Rows closer together';
  const Icon = compact ? IconBaselineDensitySmall : IconBaselineDensityMedium;
  return (
    <Tooltip label={label} position="right">
      <ActionIcon
        variant="subtle"
        color="gray"
        size={28}
        aria-label="Compact rows"
        aria-pressed={compact}
        onClick={() => density.set(compact ? 'comfortable' : 'compact')}
      >
        <Icon size={17} />
      </ActionIcon>
    </Tooltip>
  );
}

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
