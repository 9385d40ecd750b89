import { describe, expect, it } from 'vitest';
import { Boundary } from './Boundary';
import { rendered, texts } from './rendered';

// What React does with a part that throws is driven in a browser (e2e/browser/frame.spec.ts); here, what it is told.
function broken(props: { of?: unknown } = {}) {
  const boundary = new Boundary({ part: 'The chart', children: 'CHART', ...props });
  boundary.state = { ...boundary.state, ...Boundary.getDerivedStateFromError(new TypeError('no such slot')) };
  return boundary;
}

describe('a part', () => {
  it('is shown while nothing goes wrong', () => {
    expect(rendered(<Boundary part="The chart">CHART</Boundary>)).toBe('CHART');
  });

  it('that fails is a card that names it, says why, and offers to try again', () => {
    const card = rendered(broken().render());
    expect(card).toContain('role="alert"');
    expect(texts(card)).toEqual(['The chart cannot be shown', 'no such slot', 'Try again']);
  });

  it('is tried again with other data, and not with the same', () => {
    const { state } = broken({ of: 'an answer' });
    expect(Boundary.getDerivedStateFromProps({ part: '', of: 'an answer', children: '' }, state)).toBeNull();
    expect(Boundary.getDerivedStateFromProps({ part: '', of: 'another', children: '' }, state)).toEqual({
      of: 'another',
      error: undefined,
    });
  });

  it('may throw what is no error', () => {
    expect(Boundary.getDerivedStateFromError('a text')).toEqual({ error: new Error('a text') });
  });
});
