import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/**
 * Puts the policy into the built page, so that it holds whoever serves it. Mantine writes style elements, hence
 * 'unsafe-inline' for styles; scripts come from here alone. Not in development, where Vite adds an inline script.
 */
function contentSecurityPolicy(): Plugin {
  const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'";
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      { tag: 'meta', attrs: { 'http-equiv': 'Content-Security-Policy', content: policy }, injectTo: 'head-prepend' },
    ],
  };
}

export default defineConfig({
  plugins: [react(), contentSecurityPolicy()],
  // Scripts and styles find each other from where they are; what the pages name, the server completes (services/query/pages.go).
  base: './',
  server: {
    // `npm run dev` shows live code against a running ollyScale.
    proxy: {
      '/api': process.env['OLLY_API_URL'] ?? 'http://127.0.0.1:8080',
      '/auth': process.env['OLLY_API_URL'] ?? 'http://127.0.0.1:8080',
    },
  },
  build: {
    target: 'es2023',
    // Two pages: the interface, and the contract to be read.
    rolldownOptions: { input: { index: 'index.html', docs: 'docs.html' } },
    // public/.keep lands in dist again, so that a build leaves no difference in the checkout.
    emptyOutDir: true,
    // Everything is its own file: a data: URL would need a wider content security policy than 'self'.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1800,
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.{ts,tsx}'],
  },
});
