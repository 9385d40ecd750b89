// The contract, to be read: a page of its own, so that what shows it is no part of the interface.

import 'swagger-ui-dist/swagger-ui.css';
import './docs.css';

import { at, base } from '../api/base';
import SwaggerUI, { type Allowed, type System } from 'swagger-ui-dist/swagger-ui-es-bundle.js';

const contract = at('/api/openapi.yaml');

// public/scheme.js has decided; the viewer has a class of its own for it.
const dark = document.documentElement.getAttribute('data-mantine-color-scheme') === 'dark';
document.documentElement.classList.toggle('dark-mode', dark);

// What ingest serves listens at an address of its own, which this page may not ask: it is to be read here, and not to be tried.
const elsewhere = () => ({
  statePlugins: {
    spec: {
      wrapSelectors: {
        allowTryItOutFor: (original: Allowed, system: System) => (state: unknown, path: string, method: string) => {
          const tags = system.specSelectors.specJson().getIn(['paths', path, method, 'tags']);
          return !tags?.includes('ingest') && original(state, path, method);
        },
      },
    },
  },
});

// The contract says that the server is at the root of its host: whoever reads it here reaches it below a path.
const here = () => ({
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (original: (spec: object) => unknown) => (spec: object) =>
          original({ ...spec, servers: [{ url: base === '' ? '/' : base }] }),
      },
    },
  },
});

SwaggerUI({
  url: contract,
  dom_id: '#docs',
  deepLinking: true,
  docExpansion: 'list',
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // it would ask another host
  plugins: [elsewhere, here],
  responseInterceptor: (response) => {
    // Who is not known goes to the login, and comes back here.
    if (response.status === 401 && response.url.endsWith(contract)) window.location.replace(at('/login?return=/docs'));
    return response;
  },
});
