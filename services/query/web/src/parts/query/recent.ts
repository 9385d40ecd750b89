// Queries that were asked in this browser, the latest first.

import type { Signal } from '../../api/model';
import { load, save } from '../storage';

/** What was asked: the same text is another question where each condition may hold on another span. */
export interface Recent {
  text: string;
  anywhere: boolean;
}

const most = 12;

export function recent(signal: Signal): readonly Recent[] {
  try {
    const parsed: unknown = JSON.parse(load(`recent.${signal}`) ?? '[]');
    return Array.isArray(parsed) ? parsed.flatMap((one: unknown) => read(one) ?? []) : [];
  } catch {
    return [];
  }
}

/** Texts alone were kept before. */
function read(kept: unknown): Recent | undefined {
  if (typeof kept === 'string') return { text: kept, anywhere: false };
  if (typeof kept !== 'object' || kept === null || !('text' in kept) || typeof kept.text !== 'string') return undefined;
  return { text: kept.text, anywhere: 'anywhere' in kept && kept.anywhere === true };
}

export function remember(signal: Signal, { text, anywhere }: Recent): void {
  const query = text.trim();
  if (query === '') return;
  const others = recent(signal).filter((one) => one.text !== query || one.anywhere !== anywhere);
  save(`recent.${signal}`, JSON.stringify([{ text: query, anywhere }, ...others].slice(0, most)));
}
