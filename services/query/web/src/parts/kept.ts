import { useState } from 'react';

/**
 * The newest answer to a question. What is on the screen stays when it is asked for again and that fails: an error takes nothing
 * away that is right. `question` is what was asked, which the answer carries; the answer to another one is not kept.
 */
export function useKept<T>(
  data: T | undefined,
  question: string,
  questionOf: (data: T) => string | undefined,
): T | undefined {
  const [kept, keep] = useState(data);
  if (data !== undefined && data !== kept) keep(data);
  if (data !== undefined) return data;
  return kept !== undefined && questionOf(kept) === question ? kept : undefined;
}
