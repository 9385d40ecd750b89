// Reads the text of a query:
//
//   service = cart and duration > 100ms and not status = ok
//   (http.route ~ "^/api" or kind in (server, client)) and feature.flag exists
//   anywhere(db.system = postgresql)       of a trace: on any of its spans; parent(…), root(…), … likewise
//   timeout "connection refused"           of logs: words of the body, in quotes as they are
//
// and binds tighter than or, not tighter than and. A value with blanks, commas, brackets or quotes stands in quotes. What
// cannot be read is refused at its place; nothing is ever left out or guessed.

import type { FilterOperator } from '../api/model';
import { fieldNamed, readsAsText, relationNamed, spellings, targetsOf, type Grammar } from './grammar';
import {
  exactTypes,
  Unreadable,
  type ExactType,
  type Expected,
  type Mark,
  type Operand,
  type Place,
  type Problem,
  type Tree,
} from './tree';

export type Parsed =
  | { ok: true; tree: Tree | undefined; marks: readonly Mark[] }
  | { ok: false; problem: Problem; marks: readonly Mark[] };

/** The deepest that brackets may stand within each other, as the server has it. */
const deepest = 10;

/** Reads a query; of a blank text the tree is undefined. */
export function parse(text: string, grammar: Grammar): Parsed {
  const reader = new Reader(text, grammar);
  try {
    const tree = reader.whole();
    return { ok: true, tree, marks: reader.marks };
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, problem: error.problem, marks: reader.marks };
    throw error;
  }
}

class Reader {
  readonly marks: Mark[] = [];
  private at = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly grammar: Grammar,
  ) {}

  whole(): Tree | undefined {
    this.blanks();
    if (this.ended) return undefined;
    const tree = this.or();
    if (this.ended) return tree;
    if (this.char() === ')') throw this.refusal('There is no ( to this )', 1);
    throw this.noJoin();
  }

  private or(): Tree {
    return this.series('or', ['or', '||'], () => this.and());
  }

  private and(): Tree {
    return this.series('and', ['and', '&&'], () => this.unary());
  }

  /** One part, or several with a word between them. Words of bodies need none. */
  private series(is: 'and' | 'or', joins: readonly string[], part: () => Tree): Tree {
    const from = this.at;
    const of = [part()];
    for (;;) {
      this.blanks();
      if (joins.some((join) => this.take(join, 'join'))) of.push(part());
      else if (is === 'and' && of.at(-1)?.is === 'words' && this.atWords()) of.push(part());
      else break;
    }
    const [only] = of;
    return only !== undefined && of.length === 1 ? only : { is, of, from, to: of.at(-1)?.to ?? from };
  }

  private unary(): Tree {
    this.blanks();
    const from = this.at;
    if (this.take('not', 'join') || this.takeSign('!')) {
      return this.deeper(() => {
        const of = this.unary();
        return { is: 'not', of, from, to: of.to };
      });
    }
    if (this.char() === '(') return this.group();
    return this.term();
  }

  private group(): Tree {
    const from = this.at;
    this.at++;
    const tree = this.deeper(() => this.or());
    this.blanks();
    if (this.char() !== ')') {
      if (!this.ended) throw this.noJoin();
      throw new Unreadable('This ( is not closed', from, from + 1, { what: 'join' });
    }
    this.at++;
    return { ...tree, from, to: this.at };
  }

  private deeper<T>(read: () => T): T {
    if (++this.depth > deepest) throw this.refusal(`More than ${deepest} brackets within each other`, 1);
    const got = read();
    this.depth--;
    return got;
  }

  /** A condition, a relation with conditions, or a word of bodies. */
  private term(): Tree {
    const from = this.at;
    if (this.ended) throw this.missing();
    const quoted = this.char() === '"' || this.char() === "'";
    const key = quoted ? this.quotedText() : this.bareKey();
    if (!quoted && /^(and|or)$/i.test(key)) {
      this.at = from;
      throw this.missing();
    }
    if (key === '') {
      const sign = this.char();
      throw this.refusal(
        quoted ? 'A name is missing between the quotes' : `A condition begins with a name, not with ${sign}`,
        1,
        { what: 'condition' },
      );
    }
    const to = this.at;
    if (!quoted) {
      const related = this.related(key.toLowerCase(), { from, to });
      if (related !== undefined) return related;
    }
    const written = this.operator();
    if (written === undefined) {
      if (this.grammar.words === undefined) throw this.noOperator(key, { from, to });
      this.marks.push({ as: 'word', from, to });
      this.at = to;
      return { is: 'words', text: key, quoted, from, to };
    }
    this.marks.push({ as: 'key', from, to }, { as: 'operator', ...written.place });
    const said = this.text.slice(written.place.from, written.place.to);
    if (!quoted && /[a-z:]/i.test(said) && readsAsText(key, this.grammar)) {
      throw new Unreadable(
        `Put quotes around a text with ${said} in it, or write attributes.${key} ${said} … to ask for an attribute`,
        from,
        written.place.to,
      );
    }
    return this.condition(key, from, written.operator, written.negated);
  }

  private condition(key: string, from: number, operator: FilterOperator, negated: boolean): Tree {
    if (operator.operand === 'flag') {
      const operand = this.flag(negated);
      return { is: 'condition', key, operator, operands: [operand], from, to: this.at };
    }
    const operands = operator.operand === 'list' ? this.list(key, operator) : [this.operand(key, operator, false)];
    const condition = { is: 'condition', key, operator, operands, from, to: this.at } as const;
    return negated ? { is: 'not', of: condition, from, to: this.at } : condition;
  }

  private related(name: string, { from, to }: Place): Tree | undefined {
    const before = this.at;
    this.blanks();
    if (this.char() !== '(') {
      this.at = before;
      return undefined;
    }
    const relation = relationNamed(this.grammar, name);
    if (relation === undefined) {
      const names = this.grammar.relations.map((r) => r.name).join(', ');
      throw new Unreadable(
        names === ''
          ? `Nothing can stand in brackets after ${name}: put quotes around a text with brackets`
          : `There is no relation ${name}: a trace's spans are anywhere or one of ${names}`,
        from,
        to,
      );
    }
    this.marks.push({ as: 'join', from, to });
    const of = this.group();
    return { is: 'related', relation: relation.name, of, from, to: this.at };
  }

  /** The operator here; `negated` where "not" or "!" stands before one that has no such opposite. */
  private operator(): { operator: FilterOperator; negated: boolean; place: Place } | undefined {
    const before = this.at;
    this.blanks();
    const from = this.at;
    const plain = this.spelled(from);
    if (plain !== undefined) {
      this.at = plain.to;
      return { operator: plain.operator, negated: false, place: { from, to: plain.to } };
    }
    const not = /^(!|not\s+)/i.exec(this.text.slice(from))?.[0];
    const negated = not === undefined ? undefined : this.spelled(from + not.length);
    if (negated === undefined) {
      this.at = before;
      return undefined;
    }
    this.at = negated.to;
    const opposite = this.grammar.operators.find((o) => o.negates === negated.operator.name);
    const place = { from, to: negated.to };
    return opposite === undefined
      ? { operator: negated.operator, negated: true, place }
      : { operator: opposite, negated: false, place };
  }

  private spelled(from: number): { operator: FilterOperator; to: number } | undefined {
    const { symbols, phrases } = this.grammar;
    const symbol = symbols.find(({ text }) => this.text.startsWith(text, from));
    if (symbol !== undefined) return { operator: symbol.operator, to: from + symbol.text.length };
    for (const { pattern, operator } of phrases) {
      pattern.lastIndex = from;
      const found = pattern.exec(this.text)?.[0];
      if (found !== undefined) return { operator, to: from + found.length };
    }
    return undefined;
  }

  private flag(negated: boolean): Operand {
    const before = this.at;
    this.blanks();
    const from = this.at;
    const said = /^(true|false)(?![^\s()"',&|])/i.exec(this.text.slice(from))?.[0];
    if (said === undefined) {
      this.at = before;
      return { is: 'bare', text: String(!negated), from: before, to: before };
    }
    this.at += said.length;
    this.marks.push({ as: 'value', from, to: this.at });
    return { is: 'bare', text: String((said.toLowerCase() === 'true') !== negated), from, to: this.at };
  }

  private list(key: string, operator: FilterOperator): Operand[] {
    this.blanks();
    if (this.char() !== '(') return [this.operand(key, operator, false)];
    const open = this.at++;
    const operands: Operand[] = [];
    for (;;) {
      operands.push(this.operand(key, operator, true));
      this.blanks();
      const char = this.char();
      if (char === ',' || char === ')') this.at++;
      if (char === ')') return operands;
      if (char === ',') continue;
      if (this.ended) throw new Unreadable('This ( is not closed', open, open + 1, { what: 'join' });
      throw this.refusal('A comma or ) must follow; a value with blanks stands in quotes', 1);
    }
  }

  private operand(key: string, operator: FilterOperator, listed: boolean): Operand {
    this.blanks();
    const from = this.at;
    const expected = { what: 'value', key, operator, listed } as const;
    if (this.ended) throw this.refusal(`A value is missing, to compare ${key} with`, 0, expected);
    if (this.char() === '"' || this.char() === "'") {
      const text = this.quotedText(expected);
      this.marks.push({ as: 'value', from, to: this.at });
      return { is: 'quoted', text, from, to: this.at };
    }
    const exact = this.exact();
    if (exact !== undefined) {
      this.marks.push({ as: 'value', from, to: this.at });
      return { is: 'exact', ...exact, from, to: this.at };
    }
    const text = /^(?:(?!&&|\|\|)[^\s(),"])*/.exec(this.text.slice(from))?.[0] ?? '';
    if (text === '' || /^(and|or)$/i.test(text)) {
      throw this.refusal(`A value is missing, to compare ${key} with; quotes stand around one like this`, 1, expected);
    }
    if (`${this.grammar.signs}!`.includes(text.charAt(0))) {
      throw this.refusal(`A value that begins with ${text.charAt(0)} stands in quotes`, text.length, expected);
    }
    this.at += text.length;
    if (this.char() === '(' || this.char() === '"') {
      throw this.refusal('A value with brackets or quotes stands in quotes', 1, expected);
    }
    this.marks.push({ as: 'value', from, to: this.at });
    return { is: 'bare', text, from, to: this.at };
  }

  /** A value with its type: int(200). */
  private exact(): { type: ExactType; text: string } | undefined {
    const head = /^([a-z]+)\(/.exec(this.text.slice(this.at));
    const type = exactTypes.find((t) => t === head?.[1]);
    if (type === undefined) return undefined;
    const from = this.at;
    this.at += type.length + 1;
    this.blanks();
    const quoted = this.char() === '"' || this.char() === "'";
    const text = quoted ? this.quotedText() : (/^[^\s()"]*/.exec(this.text.slice(this.at))?.[0] ?? '');
    if (!quoted) this.at += text.length;
    this.blanks();
    if (this.char() !== ')') throw new Unreadable(`${type}( is not closed`, from, this.at);
    this.at++;
    return { type, text };
  }

  /** What stands between quotes. A backslash stands before a quote or another one, n and t; before all else it is itself. */
  private quotedText(expected?: Expected): string {
    const quote = this.char();
    const from = this.at;
    let text = '';
    for (this.at++; !this.ended; this.at++) {
      const char = this.char();
      if (char === quote) {
        this.at++;
        return text;
      }
      if (char !== '\\') {
        text += char;
        continue;
      }
      const next = this.text.charAt(this.at + 1);
      const meant = new Map([
        ['n', '\n'],
        ['t', '\t'],
        ['r', '\r'],
        ['\\', '\\'],
        [quote, quote],
      ]).get(next);
      text += meant ?? '\\';
      if (meant !== undefined) this.at++;
    }
    throw new Unreadable('This quote is not closed', from, this.at, expected);
  }

  private bareKey(): string {
    const from = this.at;
    while (!this.ended && !this.grammar.keyEnd.test(this.char())) this.at++;
    return this.text.slice(from, this.at);
  }

  /** Whether a word of bodies follows, or anything else that needs no "and" after one. */
  private atWords(): boolean {
    if (this.ended || this.char() === ')' || this.char() === '(' || this.char() === ',') return false;
    if (/^(or|and|not)(?![^\s()"',&|])/i.test(this.text.slice(this.at))) return false;
    const before = this.at;
    const marks = this.marks.length;
    try {
      if (this.char() === '"' || this.char() === "'") this.quotedText();
      else if (this.bareKey() === '') return false;
      return this.operator() === undefined;
    } finally {
      this.at = before;
      this.marks.length = marks;
    }
  }

  private take(word: string, as: Mark['as']): boolean {
    const rest = this.text.slice(this.at);
    const found = /^\W/.test(word)
      ? rest.startsWith(word)
      : new RegExp(`^${word}(?![^\\s()"',])`, 'i').test(rest) && !this.isKey(word);
    if (!found) return false;
    this.marks.push({ as, from: this.at, to: this.at + word.length });
    this.at += word.length;
    return true;
  }

  /** Whether the word here is the key of a condition rather than itself: not = 5. */
  private isKey(word: string): boolean {
    const before = this.at;
    this.at += word.length;
    this.blanks();
    const symbol = this.grammar.symbols.some(({ text }) => this.text.startsWith(text, this.at));
    this.at = before;
    return symbol;
  }

  private takeSign(sign: string): boolean {
    if (this.char() !== sign || this.grammar.symbols.some(({ text }) => this.text.startsWith(text, this.at)))
      return false;
    this.marks.push({ as: 'join', from: this.at, to: this.at + 1 });
    this.at++;
    return true;
  }

  private blanks(): void {
    while (!this.ended && /\s/.test(this.char())) this.at++;
  }

  private char(): string {
    return this.text.charAt(this.at);
  }

  private get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** What may come is told at the end only: before it, something else has come. */
  private refusal(message: string, length: number, expected?: Expected): Unreadable {
    const to = Math.min(this.at + length, this.text.length);
    return new Unreadable(message, this.at, to, this.ended ? expected : undefined);
  }

  private missing(): Unreadable {
    return this.refusal('A condition is missing here, for example service = cart', 0, { what: 'condition' });
  }

  private noJoin(): Unreadable {
    return this.refusal('Only and, or, ) or the end may follow; a value with blanks stands in quotes', 1, {
      what: 'join',
    });
  }

  private noOperator(key: string, { to }: Place): Unreadable {
    this.blanks();
    const [target] = targetsOf(key, this.grammar);
    const operators = spellings(this.grammar, fieldNamed(this.grammar, key) ?? target?.field);
    const from = this.at;
    return new Unreadable(
      `An operator must follow ${key}: ${operators}`,
      Math.min(from, to + 1),
      Math.max(from, to),
      this.ended ? { what: 'operator', key } : undefined,
    );
  }
}
