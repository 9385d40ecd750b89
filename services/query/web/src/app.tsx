import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError } from './api/client';
import { RefreshProvider } from './parts/refresh';
import { router, toLogin } from './route/router';
import { theme } from './style/theme';

// public/scheme.js reads the same key before the first paint.
const colourScheme = localStorageColorSchemeManager({ key: 'olly.scheme' });

export function App() {
  const [queries] = useState(
    () =>
      new QueryClient({
        queryCache: new QueryCache({
          onError: (error) => {
            if (error instanceof ApiError && error.status === 401) toLogin();
          },
        }),
        defaultOptions: {
          queries: {
            retry: (failures, error) => error instanceof ApiError && error.transient && failures < 2,
            refetchOnWindowFocus: false,
          },
        },
      }),
  );
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
