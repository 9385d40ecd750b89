import { describe, expect, it } from 'vitest';
import { waysToSend } from './sending';

const at = { http: 'http://olly.example:24318', grpc: 'http://olly.example:24317' };
const texts = (withKey: boolean) => waysToSend(at, withKey).map(({ text }) => text);

describe('how to send', () => {
  it('names the addresses of this installation in every way, and no other', () => {
    for (const text of texts(false)) {
      expect(text).toMatch(/olly\.example:2431[78]/);
      expect(text).not.toMatch(/:431[78]\b/);
    }
  });

  it('names a key where one is demanded, and none where nobody asks for one', () => {
    for (const text of texts(true)) expect(text).toMatch(/x-api-key[=:] ?KEY/);
    for (const text of texts(false)) expect(text).not.toContain('KEY');
  });

  it('has one of each', () => {
    const ids = waysToSend(at, false).map(({ id }) => id);
    expect(ids).toEqual(['demo', 'collector', 'go', 'java', 'python', 'javascript', 'dotnet', 'curl']);
  });

  it('sends by curl what is JSON', () => {
    const curl = waysToSend(at, false).find(({ id }) => id === 'curl')!.text;
    const body = /<<END\n(.*)\nEND$/s.exec(curl)?.[1] ?? '';
    const span = JSON.parse(body.replace(/\$\([^)]*\)/g, 'ab').replace(/\$\{now\}/g, '1')) as object;
    expect(span).toHaveProperty('resourceSpans');
  });
});
