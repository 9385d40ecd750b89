import { describe, expect, it } from 'vitest';
import { HowToSend } from './Nothing';
import { rendered, texts } from './rendered';

const otlp = { http: 'http://olly.example:24318', grpc: 'http://olly.example:24317' };

describe('how to send the first data', () => {
  it('tells the addresses of the installation, and names no key where nobody asks for one', () => {
    const shown = texts(rendered(<HowToSend otlp={otlp} withKey={false} />)).join('\n');
    expect(shown).toContain('http://olly.example:24318');
    expect(shown).toContain('http://olly.example:24317');
    expect(shown).toContain('ollyscale demo --endpoint olly.example:24317 --seconds 60');
    expect(shown).not.toContain('KEY');
  });

  it('says where a key goes where one is demanded', () => {
    const shown = texts(rendered(<HowToSend otlp={otlp} withKey />)).join('\n');
    expect(shown).toContain('--headers x-api-key=KEY');
    expect(shown).toContain('scope ingest');
  });
});
