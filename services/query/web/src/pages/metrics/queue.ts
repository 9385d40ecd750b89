// Lets a few questions be asked at once, and the others wait: a catalogue has a sparkline in each of its rows, and what somebody waits for must not stand
// behind them.

export class Queue {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  /** Does it when its turn comes. Nothing is done of what is not wanted any more by then. */
  async add<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    if (this.running >= this.most) {
      await new Promise<void>((turn, gone) => {
        const leave = () => {
          const at = this.waiting.indexOf(go);
          if (at >= 0) this.waiting.splice(at, 1);
          gone(signal.reason instanceof Error ? signal.reason : new DOMException('gone', 'AbortError'));
        };
        // Its place is that of the one before it.
        const go = () => {
          signal.removeEventListener('abort', leave);
          turn();
        };
        if (signal.aborted) return leave();
        signal.addEventListener('abort', leave, { once: true });
        this.waiting.push(go);
      });
    } else this.running++;
    try {
      signal.throwIfAborted();
      return await act();
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }
}
