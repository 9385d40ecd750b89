// Log records as they arrive: a bounded ring of the newest, and beside it what came while somebody read.
//
//   stream ── take ──> waiting (bounded) ── every [beat], unless held ──> shown (a ring)
//
// Invariant: nothing that did not fit is left out in silence. What the server left out is `missed`, what was let go of here before
// anybody saw it is `skipped`.

import type { LiveEvent, LogRecord } from '../../api/model';
import type { Items } from '../../parts/paged';

/** Records that are shown, the newest; and those that wait for whoever reads. */
export const mostShown = 2_000;
export const mostWaiting = 2_000;

/** Milliseconds between two drawings. */
const beat = 250;

/** Seconds over which the rate is told. */
const rateOver = 10;

/** Milliseconds before the server is asked again, by how often it failed in a row. */
const pauses: readonly number[] = [500, 1_000, 2_000, 5_000, 10_000];

/** Follows from after a record until the server ends it. */
export type Follow = (after: string | undefined, signal: AbortSignal, on: (event: LiveEvent) => void) => Promise<void>;

export type TailState =
  | { is: 'connecting' }
  | { is: 'live' }
  /** Nobody looks: nothing is asked for until somebody does. */
  | { is: 'hidden' }
  /** It failed, and is tried again. */
  | { is: 'away'; error: Error }
  /** It failed, and would again. */
  | { is: 'refused'; error: Error };

/** How it stands; another object after each change. */
export interface TailStanding extends Items<LogRecord> {
  state: TailState;
  /** Records that came and are not shown yet. */
  waiting: number;
  /** A second, over the last ten. */
  rate: number;
  /** Left out by the server. */
  missed: number;
  missedAtLeast: boolean;
  /** Came, and were let go of before they were shown. */
  skipped: number;
}

export class Tail {
  private shown: LogRecord[] = [];
  private waiting: LogRecord[] = [];
  private held = false;
  private hidden = false;
  private ended = false;
  private state: TailState = { is: 'connecting' };
  private last: string | undefined;
  private missed = 0;
  private missedAtLeast = false;
  private skipped = 0;
  private failures = 0;
  /** How many came in each of the last seconds, by the second. */
  private readonly came = new Map<number, number>();
  private control: AbortController | undefined;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private changed = false;
  private readonly listeners = new Set<() => void>();
  private standing: TailStanding;

  constructor(
    private readonly follow: Follow,
    /** Whether a failure will be the same next time. */
    private readonly lasting: (error: Error) => boolean,
    private readonly now: () => number = Date.now,
  ) {
    this.standing = this.stand();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): TailStanding => this.standing;

  /** Begins, or goes on where it was. */
  start(): void {
    this.ended = false;
    this.timer ??= setInterval(() => this.draw(), beat);
    if (!this.hidden) void this.connect();
  }

  /** Ends it; start goes on with the first record that was not there yet. */
  stop(): void {
    this.ended = true;
    this.disconnect();
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Whether nobody can see it: then nothing is asked for, and later what was stored since comes first. */
  hide(hidden: boolean): void {
    if (this.hidden === hidden) return;
    this.hidden = hidden;
    if (hidden) {
      this.disconnect();
      this.turn({ is: 'hidden' });
    } else if (!this.ended) void this.connect();
    this.draw();
  }

  /** Whether what is shown must stay where it is: what comes waits. */
  readonly hold = (held: boolean): void => {
    if (this.held === held) return;
    this.held = held;
    this.draw();
  };

  /** Shows what waits, also while it is held. */
  readonly release = (): void => {
    this.move();
    this.tell();
  };

  /** Empties it. What was missed until now is forgotten. */
  readonly clear = (): void => {
    this.shown = [];
    this.waiting = [];
    this.missed = this.skipped = 0;
    this.missedAtLeast = false;
    this.tell();
  };

  private disconnect(): void {
    this.control?.abort();
    this.control = undefined;
    clearTimeout(this.retry);
    this.retry = undefined;
  }

  private async connect(): Promise<void> {
    this.disconnect();
    const control = new AbortController();
    this.control = control;
    let reason: string | undefined;
    if (this.state.is !== 'live') this.turn({ is: 'connecting' });
    try {
      await this.follow(this.last, control.signal, (event) => {
        if (control.signal.aborted) return;
        if (this.state.is !== 'live') this.turn({ is: 'live' });
        this.failures = 0;
        if (event.is === 'end') reason = event.reason;
        else if (event.is !== 'open') this.take(event);
      });
    } catch (error) {
      if (control.signal.aborted) return;
      const failed = error instanceof Error ? error : new Error(String(error));
      if (this.lasting(failed)) return this.turn({ is: 'refused', error: failed });
      this.turn({ is: 'away', error: failed });
      return this.again(control);
    }
    if (control.signal.aborted) return;
    if (reason === 'access') return this.turn({ is: 'refused', error: new Error('Reading is not allowed any more') });
    // After its hour it ends by itself; the next one goes on where it was.
    if (reason !== 'time') this.turn({ is: 'away', error: new Error('The server ended it') });
    this.again(control, reason === 'time' ? 0 : undefined);
  }

  private again(of: AbortController, pause = pauses[Math.min(this.failures, pauses.length - 1)]): void {
    this.failures++;
    this.retry = setTimeout(() => {
      if (!of.signal.aborted) void this.connect();
    }, pause);
  }

  private take(event: Extract<LiveEvent, { is: 'log' | 'missed' }>): void {
    this.changed = true;
    if (event.is === 'missed') {
      this.missed += event.records;
      this.missedAtLeast = this.missedAtLeast || event.atLeast;
      return;
    }
    this.last = event.record.id;
    this.waiting.push(event.record);
    // In pieces, since each cut copies what is left.
    if (this.waiting.length >= 2 * mostWaiting) this.cut();
    const second = Math.floor(this.now() / 1000);
    this.came.set(second, (this.came.get(second) ?? 0) + 1);
  }

  private cut(): void {
    const over = this.waiting.length - mostWaiting;
    if (over <= 0) return;
    this.skipped += over;
    this.waiting = this.waiting.slice(over);
  }

  private draw(): void {
    if (!this.held && this.waiting.length > 0) this.move();
    else this.cut();
    // The rate falls by itself.
    if (this.changed || this.came.size > 0) this.tell();
  }

  private move(): void {
    this.cut();
    this.shown = [...this.shown, ...this.waiting].slice(-mostShown);
    this.waiting = [];
  }

  private turn(state: TailState): void {
    this.state = state;
    this.tell();
  }

  private tell(): void {
    this.changed = false;
    this.standing = this.stand();
    for (const listener of this.listeners) listener();
  }

  private stand(): TailStanding {
    const second = Math.floor(this.now() / 1000);
    for (const past of this.came.keys()) if (past < second - rateOver) this.came.delete(past);
    // The second that has just begun is not whole.
    const whole = [...this.came].filter(([at]) => at < second).reduce((sum, [, n]) => sum + n, 0);
    const { shown } = this;
    return {
      length: shown.length,
      at: (index) => shown[shown.length - 1 - index],
      state: this.state,
      waiting: Math.min(this.waiting.length, mostWaiting),
      rate: whole / rateOver,
      missed: this.missed,
      missedAtLeast: this.missedAtLeast,
      skipped: this.skipped,
    };
  }
}
