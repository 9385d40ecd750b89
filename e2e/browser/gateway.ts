// A gateway that has something below a path and takes the path away, as URLRewrite with ReplacePrefixMatch does.

import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class Gateway {
  private constructor(
    private readonly server: Server,
    /** What it was asked for elsewhere than below the path: what no page below it may do. */
    readonly strays: readonly string[],
  ) {}

  static async start(path: string, to: string): Promise<Gateway> {
    const strays: string[] = [];
    const server = createServer((asked, answer) => {
      const url = asked.url ?? '/';
      const rest = url.startsWith(path) ? url.slice(path.length) : undefined;
      if (rest === undefined || !/^([/?]|$)/.test(rest)) {
        strays.push(url);
        answer.writeHead(404).end();
        return;
      }
      const onward = request(
        new URL(rest.startsWith('/') ? rest : `/${rest}`, to),
        { method: asked.method ?? 'GET', headers: asked.headers },
        (from) => {
          answer.writeHead(from.statusCode ?? 502, from.headers);
          from.pipe(answer);
        },
      );
      onward.on('error', () => answer.destroy());
      answer.on('close', () => onward.destroy());
      asked.pipe(onward);
    });
    await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
    return new Gateway(server, strays);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}
