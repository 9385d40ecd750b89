import {
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  redirect,
  retainSearchParams,
} from '@tanstack/react-router';
import { logSearch } from '../pages/logs/filters';
import { LogsPage } from '../pages/logs/LogsPage';
import { TracePage } from '../pages/trace/TracePage';
import { traceSearch } from '../pages/traces/filters';
import { TracesPage } from '../pages/traces/TracesPage';
import { Crash, NotFound } from '../parts/Crash';
import { ServiceColours } from '../parts/service-colours';
import { Shell } from '../parts/Shell';
import { one, parseSearch, stringifySearch } from './search';
import { timeSearch } from './time';

const root = createRootRoute({
  validateSearch: timeSearch,
  // Wherever one goes, the time range comes along.
  search: { middlewares: [retainSearchParams(['range', 'from', 'to'])] },
  component: () => (
    <ServiceColours>
      <Shell>
        <Outlet />
      </Shell>
    </ServiceColours>
  ),
  notFoundComponent: NotFound,
});

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  // Typed, because inferring it would need the router's type, which needs this route's.
  beforeLoad: (): void => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- this is how TanStack Router redirects
    throw redirect({ to: '/traces', search: true, replace: true });
  },
});

const traces = createRoute({
  getParentRoute: () => root,
  path: '/traces',
  validateSearch: traceSearch,
  component: TracesPage,
});

const trace = createRoute({
  getParentRoute: () => root,
  path: '/traces/$traceId',
  validateSearch: (search: Record<string, unknown>): { span?: string; tab?: 'logs' } => {
    const span = one(search, 'span');
    return {
      ...(span === undefined ? {} : { span }),
      ...(one(search, 'tab') === 'logs' ? { tab: 'logs' } : {}),
    };
  },
  component: TracePage,
});

const logs = createRoute({
  getParentRoute: () => root,
  path: '/logs',
  validateSearch: logSearch,
  component: LogsPage,
});

export const router = createRouter({
  routeTree: root.addChildren([start, traces, trace, logs]),
  parseSearch,
  stringifySearch,
  defaultErrorComponent: Crash,
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
