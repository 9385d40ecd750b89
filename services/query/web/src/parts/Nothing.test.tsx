import { describe, expect, it } from 'vitest';
import { HowToSend } from './Nothing';
import { rendered, texts } from './rendered';

describe('how to send the first data', () => {
  it('names no key where nobody asks for one', () => {
    const shown = texts(rendered(<HowToSend host="127.0.0.1" withKey={false} />)).join('\n');
    expect(shown).toContain('ollyscale demo --seconds 60');
    expect(shown).not.toContain('KEY');
  });

  it('says where a key goes where one is demanded', () => {
    const shown = texts(rendered(<HowToSend host="olly.example" withKey />)).join('\n');
    expect(shown).toContain('ollyscale demo --seconds 60 --headers x-api-key=KEY');
    expect(shown).toContain('OTEL_EXPORTER_OTLP_HEADERS=x-api-key=KEY');
    expect(shown).toContain('http://olly.example:4317');
  });
});
