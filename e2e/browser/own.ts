// An ollyScale of a test's own, on free ports and without data: for what others must not see, and for what hurts it.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from './page';

const binary = new URL('../../.build/bin/ollyscale', import.meta.url).pathname;

/** Milliseconds within which it has to be ready, and to be gone. */
const patience = 60_000;

export class Own {
  private process: ChildProcess | undefined;
  private readonly dir = mkdtempSync(join(tmpdir(), 'olly-browser-'));

  private constructor(
    private readonly ports: { grpc: number; http: number; ui: number; database: number },
    private readonly settings: readonly string[],
  ) {
    chmodSync(this.dir, 0o755); // root's PostgreSQL runs as another user
  }

  static async start(settings: readonly string[] = []): Promise<Own> {
    const [grpc, http, ui, database] = await freePorts(4);
    const own = new Own({ grpc: grpc!, http: http!, ui: ui!, database: database! }, settings);
    await own.start();
    return own;
  }

  get ui(): string {
    return `http://127.0.0.1:${this.ports.ui}`;
  }

  /** Where it takes OTLP. */
  get http(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  get grpc(): string {
    return `http://127.0.0.1:${this.ports.grpc}`;
  }

  /** Starts it, or starts it again, and waits until it is ready. */
  async start(): Promise<void> {
    const { grpc, http, ui, database } = this.ports;
    const log = openSync(join(this.dir, 'log'), 'a');
    const address = (port: number) => `127.0.0.1:${port}`;
    this.process = spawn(
      binary,
      [
        ...['up', '--data-dir', join(this.dir, 'data'), '--postgres-port', String(database)],
        ...['--ingest-grpc-address', address(grpc), '--ingest-http-address', address(http)],
        ...['--query-http-address', address(ui)],
        ...this.settings,
      ],
      { stdio: ['ignore', log, log] },
    );
    await until(async () => {
      if (this.process?.exitCode !== null) throw new Error(`it ended: ${this.log()}`);
      const answers = await Promise.allSettled([fetch(`${this.ui}/health`), fetch(`${this.http}/health`)]);
      return answers.every((answer) => answer.status === 'fulfilled' && answer.value.ok);
    }, 'it is not ready');
  }

  /** Kills the process that serves, as a crash does. Its PostgreSQL is left over; the next start finds it. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Ends it in order, and removes what it kept. */
  async stop(): Promise<void> {
    this.signalPostgres('SIGCONT');
    await this.end('SIGINT');
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Sends a signal to all processes of its PostgreSQL. */
  signalPostgres(signal: 'SIGSTOP' | 'SIGCONT'): void {
    const first = readFileSync(join(this.dir, 'data/postgres/postmaster.pid'), 'utf8').split('\n')[0] ?? '';
    let children = '';
    try {
      children = execFileSync('pgrep', ['-P', first], { encoding: 'utf8' });
    } catch {
      // It has none.
    }
    for (const pid of [first, ...children.split('\n')]) {
      if (pid.trim() === '') continue;
      try {
        process.kill(Number(pid), signal);
      } catch {
        // One that has ended meanwhile.
      }
    }
  }

  /** Sends OTLP/JSON, all of which has to be taken. */
  async send(signal: 'traces' | 'logs' | 'metrics', body: unknown, key?: string): Promise<void> {
    const response = await fetch(`${this.http}/v1/${signal}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(key === undefined ? {} : { 'X-Api-Key': key }) },
      body: JSON.stringify(body),
    });
    const answer = await response.text();
    if (!response.ok || answer.includes('rejected')) throw new Error(`${signal}: ${response.status} ${answer}`);
  }

  /** A new key of the tenant `default`, which is known everywhere within ten seconds. */
  key(...scopes: string[]): string {
    const told = execFileSync(
      binary,
      [
        ...['keys', 'create', '--data-dir', join(this.dir, 'data'), '--tenant', 'default'],
        ...['--name', scopes.join(' and '), '--scopes', scopes.join(',')],
      ],
      { encoding: 'utf8' },
    );
    const [key] = /olly_[a-z2-7]+_[a-z2-7]+/.exec(told) ?? [];
    if (key === undefined) throw new Error(`no key in: ${told}`);
    return key;
  }

  private log(): string {
    return readFileSync(join(this.dir, 'log'), 'utf8').slice(-2_000);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const running = this.process;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((done) => running.once('exit', done));
    running.kill(signal);
    await ended;
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((done) => server.once('listening', done))));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + patience; !(await holds());) {
    if (Date.now() > end) throw new Error(`${what} after ${patience / 1000} s`);
    await new Promise((done) => setTimeout(done, 100));
  }
}

/**
 * Tests of an ollyScale of their own, with these settings of the command line: one for all tests of a file that calls this, which see it as `own`
 * and open its pages.
 */
export const withOwn = (...settings: string[]) =>
  test.extend<object, { own: Own }>({
    own: [
      async ({}, use) => {
        const own = await Own.start(settings);
        await use(own);
        await own.stop();
      },
      { scope: 'worker', timeout: 2 * patience },
    ],
    baseURL: async ({ own }, use) => use(own.ui),
  });
