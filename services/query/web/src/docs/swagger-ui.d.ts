declare module 'swagger-ui-dist/swagger-ui-es-bundle.js' {
  /** What of its settings the page sets. */
  interface Settings {
    url: string;
    dom_id: string;
    deepLinking: boolean;
    docExpansion: 'none' | 'list' | 'full';
    defaultModelsExpandDepth: number;
    validatorUrl: string | null;
    responseInterceptor: (response: { status: number; url: string }) => unknown;
  }
  export default function SwaggerUI(settings: Settings): unknown;
}
