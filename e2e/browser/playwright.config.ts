import { defineConfig } from '@playwright/test';
import { browserPath, interfaceURL } from './environment';

export default defineConfig({
  testDir: '.',
  outputDir: 'test-results',
  forbidOnly: true,
  // One ollyScale serves all tests, and machines that run them are small.
  workers: 1,
  retries: 0,
  // What takes seconds here may take ten times as long where others use the machine: limits are for what hangs.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [
    ['list'],
    ...(process.env['OLLY_REPORT'] ? ([['json', { outputFile: process.env['OLLY_REPORT'] }]] as const) : []),
  ],
  use: {
    baseURL: interfaceURL(),
    viewport: { width: 1440, height: 900 },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: browserPath(),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
