import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
  retainSearchParams,
  useRouterState,
  type SearchSchemaInput,
} from '@tanstack/react-router';
import { base } from '../api/base';
import { ApiError } from '../api/client';
import { isOfTraces, withQuery } from '../filter/old';
import { logSearch, type LogLink, type LogSearch } from '../pages/logs/filters';
import { LoginPage } from '../pages/login/LoginPage';
import { mapSearch } from '../pages/map/map';
import { metricsSearch, type MetricsSearch } from '../pages/metrics/view';
import { settingsSearch } from '../pages/settings/settings';
import { servicePageSearch } from '../pages/service/service';
import { servicesSearch } from '../pages/services/services';
import { ServicesPage } from '../pages/services/ServicesPage';
import { traceAddress } from '../pages/trace/address';
import { traceSearch, type TraceLink, type TraceSearch } from '../pages/traces/filters';
import { TracesPage } from '../pages/traces/TracesPage';
import { viewSearch, type ViewSearch } from '../pages/traces/view';
import { Boundary } from '../parts/Boundary';
import { Crash, NotFound } from '../parts/Crash';
import { Failure } from '../parts/Failure';
import { KeyboardProvider } from '../parts/Keyboard';
import { useWhoAsks } from '../parts/me';
import { Pointing } from '../parts/query/pointing';
import { ServiceColours } from '../parts/service-colours';
import { Shell } from '../parts/Shell';
import { StandingProvider } from '../parts/Standing';
import { useZone } from '../parts/zone';
import { compact, one, parseSearch, stringifySearch } from './search';
import { keepRange, timeSearch } from './time';

const root = createRootRoute({
  validateSearch: timeSearch,
  // Wherever one goes, the time range comes along.
  search: { middlewares: [keepRange] },
  component: Root,
  notFoundComponent: NotFound,
});

/** The frame, but for the login: who is not known yet can go nowhere. */
function Root() {
  // By what is shown: the address is that of the login before the page is, and meanwhile the other would ask for data.
  const login = useRouterState({ select: ({ matches }) => matches.at(-1)?.fullPath === '/login' });
  return login ? <Outlet /> : <Known />;
}

/** Nobody's data before it is known who asks; and nothing at all while that may yet lead to the login. */
function Known() {
  const href = useRouterState({ select: ({ location }) => location.href });
  const who = useWhoAsks();
  const zone = useZone();
  if (who.data !== undefined)
    return (
      <StandingProvider>
        <KeyboardProvider>
          <Shell>
            <Boundary part="The page" of={href}>
              <ServiceColours>
                <Pointing>
                  {/* All of it anew where times are told in another zone. */}
                  <Outlet key={zone} />
                </Pointing>
              </ServiceColours>
            </Boundary>
          </Shell>
        </KeyboardProvider>
      </StandingProvider>
    );
  if (who.failureCount === 0 || (who.error instanceof ApiError && who.error.status === 401)) return null;
  return (
    <Shell>
      <main id="content">{who.error !== null && <Failure error={who.error} retry={() => void who.refetch()} />}</main>
    </Shell>
  );
}

const start = createRoute({
  getParentRoute: () => root,
  path: '/',
  // Typed, because inferring it would need the router's type, which needs this route's.
  beforeLoad: ({ search }): void => {
    // Links of before, when this was the list of traces, lead there.
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- this is how TanStack Router redirects
    throw redirect({ to: isOfTraces(search) ? '/traces' : '/services', search: true, replace: true });
  },
});

const traces = createRoute({
  getParentRoute: () => root,
  path: '/traces',
  validateSearch: (search: TraceLink & ViewSearch & SearchSchemaInput): TraceSearch & ViewSearch => ({
    ...traceSearch({ ...search }),
    ...viewSearch({ ...search }),
  }),
  search: { middlewares: [({ search, next }) => withQuery(next(search), 'traces')] },
  component: TracesPage,
});

const trace = createRoute({
  getParentRoute: () => root,
  path: '/traces/$traceId',
  validateSearch: traceAddress,
  // With its waterfall apart; its other views are chunks of their own.
  component: lazyRouteComponent(() => import('../pages/trace/TracePage'), 'TracePage'),
});

const traceFile = createRoute({
  getParentRoute: () => root,
  path: '/traces/file',
  validateSearch: traceAddress,
  component: lazyRouteComponent(() => import('../pages/trace/TraceFilePage'), 'TraceFilePage'),
});

const logs = createRoute({
  getParentRoute: () => root,
  path: '/logs',
  validateSearch: (search: LogLink & SearchSchemaInput): LogSearch => logSearch({ ...search }),
  search: { middlewares: [({ search, next }) => withQuery(next(search), 'logs')] },
  component: lazyRouteComponent(() => import('../pages/logs/LogsPage'), 'LogsPage'),
});

const metrics = createRoute({
  getParentRoute: () => root,
  // Not /metrics: there the service shows its own, for Prometheus.
  path: '/explore/metrics',
  validateSearch: (search: MetricsSearch & SearchSchemaInput): MetricsSearch => metricsSearch({ ...search }),
  component: lazyRouteComponent(() => import('../pages/metrics/MetricsPage'), 'MetricsPage'),
});

const services = createRoute({
  getParentRoute: () => root,
  path: '/services',
  validateSearch: servicesSearch,
  // Links of before opened a service's operations there.
  beforeLoad: ({ location }): void => {
    const { service: name, ...search } = location.search as Record<string, unknown>;
    if (typeof name !== 'string' || name === '') return;
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- this is how TanStack Router redirects
    throw redirect({ to: '/services/$name', params: { name }, search, replace: true });
  },
  search: { middlewares: [retainSearchParams(['namespace', 'own'])] },
  component: ServicesPage,
});

const service = createRoute({
  getParentRoute: () => root,
  path: '/services/$name',
  validateSearch: servicePageSearch,
  component: lazyRouteComponent(() => import('../pages/service/ServicePage'), 'ServicePage'),
});

const map = createRoute({
  getParentRoute: () => root,
  path: '/map',
  validateSearch: mapSearch,
  search: { middlewares: [retainSearchParams(['namespace', 'own'])] },
  // With its layout library apart.
  component: lazyRouteComponent(() => import('../pages/map/MapPage'), 'MapPage'),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  validateSearch: settingsSearch,
  component: lazyRouteComponent(() => import('../pages/settings/SettingsPage'), 'SettingsPage'),
});

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search: Record<string, unknown>): { return?: string; problem?: string } =>
    compact({ return: one(search, 'return'), problem: one(search, 'problem') }),
  component: LoginPage,
});

export const router = createRouter({
  ...(base === '' ? {} : { basepath: base }),
  routeTree: root.addChildren([
    start,
    traces,
    trace,
    traceFile,
    logs,
    metrics,
    services,
    service,
    map,
    settings,
    login,
  ]),
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

/** To the login, and from there back to the page that is shown now. */
export function toLogin(): void {
  const { pathname, href } = router.state.location;
  if (pathname !== '/login') void router.navigate({ to: '/login', search: { return: href }, replace: true });
}
