import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  server: {
    // `npm run dev` shows live code against a running ollyScale.
    proxy: {
      '/api': process.env['OLLY_API_URL'] ?? 'http://127.0.0.1:8080',
    },
  },
  build: {
    target: 'es2023',
    // public/.keep lands in dist again, so that a build leaves no difference in the checkout.
    emptyOutDir: true,
    // Everything is its own file: a data: URL would need a wider content security policy than 'self'.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts'],
  },
});
