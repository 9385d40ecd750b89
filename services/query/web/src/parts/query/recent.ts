// Queries that were asked in this browser, the latest first.

import type { Signal } from '../../api/model';
import { load, save } from '../storage';

const most = 12;

export function recent(signal: Signal): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(load(`recent.${signal}`) ?? '[]');
    return Array.isArray(parsed) ? parsed.filter((text): text is string => typeof text === 'string') : [];
  } catch {
    return [];
  }
}

export function remember(signal: Signal, text: string): void {
  const query = text.trim();
  if (query === '') return;
  save(`recent.${signal}`, JSON.stringify([query, ...recent(signal).filter((one) => one !== query)].slice(0, most)));
}
