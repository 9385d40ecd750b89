import { Modal } from '@mantine/core';
import { keyNames } from './keystrokes';
import type { Shortcut } from './Keyboard';
import classes from './KeyboardHelp.module.css';

/** Keys of what has the focus, which it takes itself. */
const within: readonly (readonly [part: string, keys: readonly (readonly [keys: string, what: string])[]])[] = [
  [
    'In a list, and among the spans of a trace',
    [
      ['j', 'Down'],
      ['k', 'Up'],
      ['Enter', 'Open'],
      ['Home', 'To the first'],
      ['End', 'To the last'],
    ],
  ],
  [
    'Among the spans of a trace',
    [
      ['→', 'Unfold, or to the first below'],
      ['←', 'Fold, or to the one above'],
      ['+', 'Closer'],
      ['-', 'Farther'],
      ['0', 'All of the trace'],
      ['Esc', 'Close the span'],
    ],
  ],
  [
    'In a query',
    [
      ['Tab', 'Complete'],
      ['Enter', 'Search'],
      ['Esc', 'Close the suggestions, take back what was typed, leave'],
    ],
  ],
];

/** What keys do, on this page and everywhere. */
export function KeyboardHelp({ shortcuts, onClose }: { shortcuts: readonly Shortcut[]; onClose: () => void }) {
  const mac = /Mac|iPhone|iPad/.test(navigator.userAgent);
  // Of several for the same keys the first is the one that counts.
  const shown = [...new Map(shortcuts.toReversed().map((s) => [s.keys, s])).values()].toReversed();
  return (
    <Modal opened onClose={onClose} title="What keys do" size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className={classes.help}>
        <section>
          <h3>On this page</h3>
          <Keys of={shown.map(({ keys, what }) => [keyNames(keys, mac), what])} />
        </section>
        <div>
          {within.map(([part, keys]) => (
            <section key={part}>
              <h3>{part}</h3>
              <Keys of={keys.map(([key, what]) => [[key], what])} />
            </section>
          ))}
        </div>
      </div>
    </Modal>
  );
}

function Keys({ of }: { of: readonly (readonly [names: readonly string[], what: string])[] }) {
  return (
    <dl>
      {of.map(([names, what]) => (
        <div key={`${names.join(' ')} ${what}`}>
          <dt>
            {names.map((name) => (
              <kbd key={name}>{name}</kbd>
            ))}
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
