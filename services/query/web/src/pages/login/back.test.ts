import { describe, expect, it } from 'vitest';
import { back } from './back';

describe('where a login leads back to', () => {
  it('is the page one was on, with all that it shows', () => {
    for (const page of ['/traces', '/logs?range=1h&service=cart', '/traces/0af7?span=1#x', '/loginless']) {
      expect(back(page)).toBe(page);
    }
  });

  it('is never another site', () => {
    for (const evil of [
      'https://evil.example/',
      '//evil.example/',
      '/\\evil.example',
      '/\t/evil.example',
      '\\\\evil.example',
      'javascript:alert(1)',
      'evil',
      '',
      '/\n//evil.example',
    ]) {
      expect(new URL(back(evil), 'http://here').origin, evil).toBe('http://here');
      expect(back(evil), evil).not.toMatch(/^\/[/\\]/);
    }
  });

  it('is not the login again, nor what is no page', () => {
    for (const page of [undefined, '/login', '/login?return=%2Flogs', '/auth/login', '/api/me']) {
      expect(back(page)).toBe('/');
    }
  });
});
