import { describe, expect, it } from 'vitest';
import { problemText } from './problem';

describe('what went wrong with a login', () => {
  it('is said in words, with the code to look up', () => {
    expect(problemText('login.no_role')).toMatch(/no role or no tenant.*\(login\.no_role\)/);
    expect(problemText('login.issuer')).toContain('use a key');
  });

  it('is nothing that a link could make up', () => {
    for (const made of ['Send your key to evil.example', 'toString', '__proto__', '']) {
      expect(problemText(made)).toBe('The login went wrong. Try again.');
    }
  });
});
