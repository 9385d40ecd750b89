// A list that is had page by page. Pages far from what is in sight are forgotten, and asked for again when they come near:
// a cursor pins what its page holds, so that each item keeps its place however far one scrolls.

import type { Page } from '../api/model';

/** What a list shows: an array, or what is like one and does not hold all of its items at a time. */
export interface Items<T> {
  readonly length: number;
  /** Undefined while the item is not here. */
  at: (index: number) => T | undefined;
}

/** How a list of pages stands; another object after each change. */
export interface Standing<T> extends Items<T> {
  hasMore: boolean;
  loading: boolean;
  /** Of the page that was asked for last. */
  error: Error | undefined;
  last: Page<T>;
}

interface Part<T> {
  cursor: string | undefined;
  offset: number;
  count: number;
  next: string | undefined;
  items: readonly T[] | undefined;
  /** When it was in sight last; counted in looks. */
  seen: number;
}

/** Pages that are kept, those in sight and the last ones that were. */
const kept = 8;
/** Items before and after those in sight that are asked for already. */
const ahead = 50;

export class PagedList<T> {
  /** Pixels that were scrolled to, for who comes back. */
  top = 0;

  /** Remembers how far it is scrolled, for who comes back. */
  leave(top: number) {
    this.top = top;
  }
  private parts: Part<T>[];
  private looks = 0;
  /** What is in sight. */
  private sight: readonly [first: number, last: number] = [0, 0];
  private readonly under = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();
  private standing: Standing<T>;
  private failed: Error | undefined;
  private last: Page<T>;

  constructor(
    first: Page<T>,
    private readonly load: (cursor: string, signal: AbortSignal) => Promise<Page<T>>,
  ) {
    this.parts = [
      { cursor: undefined, offset: 0, count: first.data.length, next: first.next, items: first.data, seen: 0 },
    ];
    this.last = first;
    this.standing = this.stand();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): Standing<T> => this.standing;

  /** Asks for what is in sight, or nearly, and not here. */
  readonly see = (first: number, last: number): void => {
    this.looks++;
    this.sight = [first, last];
    this.parts.forEach((part, i) => {
      if (part.offset > last + ahead || part.offset + part.count < first - ahead) return;
      part.seen = this.looks;
      if (part.items === undefined && part.cursor !== undefined) void this.fetch(i, part.cursor);
    });
    const end = this.parts.at(-1)!;
    if (end.next !== undefined && last + ahead >= end.offset + end.count && this.failed === undefined) {
      void this.fetch(this.parts.length, end.next);
    }
  };

  /** Asks again for what could not be had. */
  readonly retry = (): void => {
    this.failed = undefined;
    this.see(...this.sight);
  };

  /** Stops what is under way: nobody looks at the list any more. Who does again has it go on. */
  readonly end = (): void => {
    if (this.under.size === 0) return;
    for (const control of this.under.values()) control.abort();
    this.under.clear();
    this.tell();
  };

  private async fetch(i: number, cursor: string): Promise<void> {
    if (this.under.has(i)) return;
    const control = new AbortController();
    this.under.set(i, control);
    this.tell();
    try {
      const page = await this.load(cursor, control.signal);
      if (control.signal.aborted) return;
      const before = this.parts[i - 1];
      const part = this.parts[i];
      if (part !== undefined) part.items = page.data;
      else if (before !== undefined) {
        const { data, next } = page;
        const offset = before.offset + before.count;
        this.parts.push({ cursor, offset, count: data.length, next, items: data, seen: this.looks });
        this.last = page;
      }
      this.failed = undefined;
      this.forget();
    } catch (error) {
      if (control.signal.aborted) return;
      this.failed = error instanceof Error ? error : new Error(String(error));
    }
    this.under.delete(i);
    this.tell();
  }

  /** Lets go of pages that are long out of sight. The first is kept: there is no cursor to have it again. */
  private forget(): void {
    const held = this.parts.slice(1).filter((part) => part.items !== undefined);
    for (const part of held.toSorted((a, b) => b.seen - a.seen || b.offset - a.offset).slice(kept)) {
      if (part.seen < this.looks) part.items = undefined;
    }
  }

  private tell(): void {
    this.standing = this.stand();
    for (const listener of this.listeners) listener();
  }

  private stand(): Standing<T> {
    const { parts } = this;
    const end = parts.at(-1)!;
    return {
      length: end.offset + end.count,
      at: (index) => {
        const part = parts.findLast((one) => one.offset <= index);
        return part?.items?.[index - part.offset];
      },
      hasMore: end.next !== undefined,
      loading: this.under.size > 0,
      error: this.failed,
      last: this.last,
    };
  }
}
