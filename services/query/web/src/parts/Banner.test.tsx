import { expect, it } from 'vitest';
import { TroubleNote } from './Banner';
import type { Trouble } from './trouble';
import { rendered, texts } from './rendered';

const since = new Date(2026, 10, 28, 14, 3, 12).getTime();
const note = (trouble: Trouble | undefined) => rendered(<TroubleNote standing={{ trouble, since }} />);
const told = { what: 'database', message: 'no answer within 2s', advice: 'See that PostgreSQL runs.' };

it('says since when what is away, why, and what to do', () => {
  expect(note(undefined)).toBe('');
  expect(texts(note({ is: 'server' })).join('')).toMatch(
    /^ollyScale does not answer since 14:03:12\. What is shown stays/,
  );
  const database = note({ is: 'database', ...told });
  expect(database).toContain('role="status"');
  expect(texts(database).join('')).toMatch(
    /^The database is away since 14:03:12\. .* No answer within 2s\. See that PostgreSQL runs\.$/,
  );
  expect(texts(note({ is: 'maintenance', ...told }))[0]).toBe('The database is in maintenance since 14:03:12.');
  const part = note({ is: 'part', ...told, what: 'writer' });
  expect(part).toContain('data-tone="warn"');
  expect(texts(part).join('')).toBe(
    'Not all is well since 14:03:12: writer. No answer within 2s. See that PostgreSQL runs.',
  );
});
