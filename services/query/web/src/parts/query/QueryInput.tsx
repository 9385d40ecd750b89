import { useId, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react';
import type { Filter } from '../../api/endpoints';
import type { Signal } from '../../api/model';
import { completing } from '../../filter/complete';
import type { Grammar } from '../../filter/grammar';
import type { Query } from '../../filter/query';
import { pieces } from './paint';
import classes from './QueryBar.module.css';
import { completed, type Suggestion } from './suggest';
import { useSuggestions } from './useSuggestions';

interface Props {
  signal: Signal;
  grammar: Grammar | undefined;
  text: string;
  /** What becomes of the text. */
  query: Query | undefined;
  /** Whether it is told to be wrong. */
  wrong: boolean;
  /** The filters in force, of which values are counted. */
  filters: readonly Filter[];
  placeholder: string;
  /** Id of what says what is wrong with the text. */
  problem: string | undefined;
  onText: (text: string) => void;
  /** Asks what the text says. */
  onSubmit: (text: string) => void;
  /** Whether it was not asked yet. */
  changed: boolean;
  /** Takes back what was not asked yet. */
  onRevert: () => void;
}

/** Pixels before the text, and the advance of one character of the font, in em. */
const padding = 32;

/** The line that a query is written on: coloured by what its parts are, with what may come next below it. */
export function QueryInput(props: Props) {
  const { signal, grammar, text, query, wrong, filters, changed, onText, onSubmit, onRevert } = props;
  const input = useRef<HTMLInputElement>(null);
  const paint = useRef<HTMLDivElement>(null);
  const list = useId();
  const [caret, setCaret] = useState<number>();
  const [shown, setShown] = useState(false);
  const [active, setActive] = useState(-1);
  const [scrolled, setScrolled] = useState(0);
  const wanted = useRef<number | undefined>(undefined);

  const open = shown && caret !== undefined && grammar !== undefined;
  const at = open ? completing(text, Math.min(caret, text.length), grammar) : undefined;
  const { items, asking, incomplete } = useSuggestions(at, signal, grammar, filters);
  const listed = open && at !== undefined && (items.length > 0 || asking);

  // The cursor after a completion; and the paint goes along with the text below it.
  useLayoutEffect(() => {
    const element = input.current;
    if (element === null) return;
    if (wanted.current !== undefined) {
      element.setSelectionRange(wanted.current, wanted.current);
      wanted.current = undefined;
    }
    if (paint.current !== null) paint.current.scrollLeft = element.scrollLeft;
  });

  const follow = () => {
    const element = input.current;
    if (element === null) return;
    setCaret(element.selectionStart ?? undefined);
    setScrolled(element.scrollLeft);
    if (paint.current !== null) paint.current.scrollLeft = element.scrollLeft;
  };
  const change = (next: string, place: number | null) => {
    onText(next);
    setCaret(place ?? next.length);
    setActive(-1);
    setShown(true);
  };
  const choose = (suggestion: Suggestion) => {
    if (at === undefined) return;
    const next = completed(text, at, suggestion);
    wanted.current = next.caret;
    change(next.text, next.caret);
    input.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // The keys of an input method choose its characters: Enter ends them, and is no search yet.
    if (event.nativeEvent.isComposing) return;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setShown(true);
      if (listed && items.length > 0)
        setActive((active + step + items.length + (active < 0 && step < 0 ? 1 : 0)) % items.length);
      return;
    }
    const chosen = listed ? items[active] : undefined;
    if (event.key === 'Enter') {
      event.preventDefault();
      if (chosen !== undefined) return choose(chosen);
      setShown(false);
      return onSubmit(text);
    }
    if (event.key === 'Tab' && !event.shiftKey) {
      const first = chosen ?? (listed && (at?.typed !== '' || active >= 0) ? items[0] : undefined);
      if (first === undefined) return;
      event.preventDefault();
      return choose(first);
    }
    if (event.key === 'Escape') {
      // One thing at a time; what is left to leave is the field.
      if (listed) setShown(false);
      else if (changed) onRevert();
      else return;
      event.preventDefault();
    }
  };
  return (
    <div className={classes.field}>
      <div ref={paint} className={classes.paint} aria-hidden>
        {pieces(text, query).map((piece, i) => (
          <span key={i} data-as={piece.as} data-wrong={(wrong && piece.wrong) || undefined}>
            {piece.text}
          </span>
        ))}
      </div>
      <input
        ref={input}
        className={classes.input}
        role="combobox"
        aria-label={`Query for ${signal}`}
        aria-autocomplete="list"
        aria-expanded={listed}
        aria-controls={listed ? list : undefined}
        aria-activedescendant={listed && active >= 0 ? `${list}-${active}` : undefined}
        aria-invalid={wrong || undefined}
        aria-describedby={props.problem}
        data-query
        placeholder={props.placeholder}
        // Until the fields are here nothing could be made of what is typed.
        disabled={grammar === undefined}
        value={text}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="off"
        onChange={(event) => change(event.currentTarget.value, event.currentTarget.selectionStart)}
        onSelect={follow}
        onScroll={follow}
        onFocus={() => setShown(true)}
        onClick={() => setShown(true)}
        onBlur={() => setShown(false)}
        onKeyDown={onKeyDown}
      />
      {listed && (
        <div
          className={classes.suggestions}
          style={{ left: `min(calc(${at.from}ch + ${padding - scrolled - 10}px), calc(100% - min(100%, 360px)))` }}
          // The text keeps the cursor while one points here.
          onMouseDown={(event) => event.preventDefault()}
        >
          <ul id={list} role="listbox" aria-label="Suggestions">
            {items.map((item, i) => (
              <li
                key={item.text}
                id={`${list}-${i}`}
                role="option"
                aria-selected={i === active}
                onMouseMove={() => setActive(i)}
                onClick={() => choose(item)}
              >
                <bdi>{item.label}</bdi>
                <small>{item.note}</small>
              </li>
            ))}
          </ul>
          <p>
            {asking && items.length === 0 ? 'Looking for values…' : 'Tab completes, Enter searches'}
            {incomplete !== undefined && ' · counts are at least so many'}
          </p>
        </div>
      )}
    </div>
  );
}
