import { describe, expect, it } from 'vitest';
import { Who } from './Account';
import { rendered, texts } from './rendered';

describe('who is logged in', () => {
  it('stands there with the tenant whose data is shown', () => {
    const me = {
      name: 'ada@shop.example',
      tenant: 'shop.v2',
      tenants: ['shop.v2'],
      scopes: ['query' as const],
      loggedIn: true,
    };
    expect(texts(rendered(<Who me={me} />))).toEqual(['ada@shop.example', 'shop.v2']);
  });
});
