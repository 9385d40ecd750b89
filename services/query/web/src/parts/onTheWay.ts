import { plural } from './number';

/** What is accepted and not yet stored, as the end of a sentence. The queue counts messages, of which each may hold many small requests. */
export function onTheWay(pending: number | undefined): string {
  if (pending === undefined || pending <= 0) return '.';
  return `; ${plural(pending, 'message')} of the queue, each of one request or more, ${pending === 1 ? 'is' : 'are'} on the way.`;
}
