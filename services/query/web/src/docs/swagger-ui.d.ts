declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  /** Whether an operation may be tried. */
  export type Allowed = (state: unknown, path: string, method: string) => boolean;
  /** What of the viewer a plugin asks: the contract, whose lists are not arrays. */
  export interface System {
    specSelectors: { specJson: () => { getIn: (at: string[]) => { includes: (tag: string) => boolean } | undefined } };
  }
  /** What of its settings the page sets. */
  interface Settings {
    url: string;
    dom_id: string;
    deepLinking: boolean;
    docExpansion: 'none' | 'list' | 'full';
    defaultModelsExpandDepth: number;
    validatorUrl: string | null;
    plugins: (() => unknown)[];
    responseInterceptor: (response: { status: number; url: string }) => unknown;
  }
  export default function SwaggerUI(settings: Settings): unknown;
}
