import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError } from './api/client';
import { RefreshProvider } from './parts/refresh';
import { standingKey } from './parts/Standing';
import { router, toLogin } from './route/router';
import { theme } from './style/theme';

// public/scheme.js reads the same key before the first paint.
const colourScheme = localStorageColorSchemeManager({ key: 'olly.scheme' });

function newClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error) => {
        if (!(error instanceof ApiError)) return;
        if (error.status === 401) toLogin();
        if (error.transient) void client.invalidateQueries({ queryKey: standingKey });
      },
    }),
    defaultOptions: {
      queries: {
        retry: (failures, error) => error instanceof ApiError && error.transient && failures < 2,
        refetchOnWindowFocus: false,
        // Whether there is a way to the server the request tells: it may be on this machine, whatever the browser knows of the network.
        networkMode: 'always',
      },
    },
  });
  return client;
}

export function App() {
  const [queries] = useState(newClient);
  return (
    <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={colourScheme}>
      <QueryClientProvider client={queries}>
        <RefreshProvider>
          <RouterProvider router={router} />
        </RefreshProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
