// The pages that one can go to, in the order of the navigation.

import {
  IconChartLine,
  IconListTree,
  IconLogs,
  IconServer2,
  IconSettings,
  IconSitemap,
  type Icon,
} from '@tabler/icons-react';

export interface Place {
  to: '/traces' | '/logs' | '/explore/metrics' | '/services' | '/map' | '/settings';
  label: string;
  icon: Icon;
  /** The key that leads there, after g. */
  letter: string;
}

export const places: readonly Place[] = [
  { to: '/services', label: 'Services', icon: IconServer2, letter: 's' },
  { to: '/traces', label: 'Traces', icon: IconListTree, letter: 't' },
  { to: '/logs', label: 'Logs', icon: IconLogs, letter: 'l' },
  { to: '/explore/metrics', label: 'Metrics', icon: IconChartLine, letter: 'm' },
  { to: '/map', label: 'Service map', icon: IconSitemap, letter: 'p' },
  { to: '/settings', label: 'Settings', icon: IconSettings, letter: 'c' },
];
