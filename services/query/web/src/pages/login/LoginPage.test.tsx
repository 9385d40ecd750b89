import { describe, expect, it } from 'vitest';
import { ApiError } from '../../api/client';
import { rendered } from '../../parts/rendered';
import { KeyForm } from './LoginPage';

const form = (error: Error | null, sending = false) =>
  rendered(<KeyForm send={() => undefined} sending={sending} error={error} />);

describe('the form for a key', () => {
  it('hides what is typed, and sends nothing empty', () => {
    expect(form(null)).toContain('type="password"');
    expect(form(null)).toMatch(/<button[^>]*type="submit"[^>]*disabled/);
  });

  it('is where one types where there is nothing else', () => {
    const beside = rendered(<KeyForm variant="default" send={() => undefined} sending={false} error={null} />);
    expect(form(null)).toContain('autofocus');
    expect(beside).not.toContain('autofocus');
  });

  it('says why a key was not taken', () => {
    const error = new ApiError(401, 'auth.unauthenticated', 'Unauthorized', 'the key is revoked or has expired');
    expect(form(null)).not.toContain('revoked');
    expect(form(error)).toContain('The key is revoked or has expired');
    expect(form(new ApiError(0, 'network', 'ollyScale does not answer'))).toContain('ollyScale does not answer');
  });
});
