import { describe, expect, it } from 'vitest';
import type { Column } from './columns';
import { List, Rows } from './List';
import { rendered, texts } from './rendered';

interface Animal {
  name: string;
  legs: number;
}

const columns: readonly Column<Animal>[] = [
  {
    id: 'name',
    header: 'Name',
    width: '1fr',
    sort: { compare: (a, b) => a.name.localeCompare(b.name), first: 'ascending' },
    cell: (animal) => animal.name,
  },
  { id: 'legs', header: 'Legs', width: '50px', narrow: null, align: 'end', cell: (animal) => animal.legs },
];
const animals: readonly Animal[] = [
  { name: 'cat', legs: 4 },
  { name: 'ape', legs: 2 },
];
const shared = { label: 'Animals', columns, itemKey: (a: Animal) => a.name, rowHeight: 30, gap: 8 };

const count = (markup: string, part: string) => markup.split(part).length - 1;

describe('a list', () => {
  it('shows a head and the cells of every item in the order of its columns', () => {
    const markup = rendered(<List {...shared} items={animals} />);
    expect(texts(markup)).toEqual(['Name', 'Legs', 'cat', '4', 'ape', '2']);
    expect(markup).toContain('--columns:1fr 50px;--columns-narrow:1fr;');
    expect(markup).toContain('role="list" aria-label="Animals"');
    expect(count(markup, 'role="listitem"')).toBe(2);
    expect(count(markup, 'data-align="end"')).toBe(3);
  });

  it('shows another column where one more is declared, and nothing else changes', () => {
    const sound: Column<Animal> = { id: 'sound', header: 'Sound', width: '70px', cell: () => 'purr' };
    const markup = rendered(
      <List {...shared} columns={[columns[0]!, sound, columns[1]!]} items={animals.slice(0, 1)} />,
    );
    expect(texts(markup)).toEqual(['Name', 'Sound', 'Legs', 'cat', 'purr', '4']);
    expect(markup).toContain('--columns:1fr 70px 50px;--columns-narrow:1fr 70px;');
  });

  it('has no head where nothing stands over its columns', () => {
    const bare = columns.map((column) => ({ ...column, header: '' }));
    expect(texts(rendered(<List {...shared} columns={bare} items={animals} />))).toEqual(['cat', '4', 'ape', '2']);
  });

  it('holds only the lines in sight', () => {
    const many = Array.from({ length: 5_000 }, (_, i) => ({ name: `sheep ${i}`, legs: 4 }));
    const markup = rendered(<List {...shared} items={many} />);
    expect(count(markup, 'role="listitem"')).toBeGreaterThan(900 / 30);
    expect(count(markup, 'role="listitem"')).toBeLessThan(60);
    expect(markup).toContain(`height:${5_000 * 30}px`);
    expect(markup).toContain('aria-setsize="5000" aria-posinset="1"');
  });

  it('makes lines links where they lead somewhere', () => {
    const markup = rendered(
      <List {...shared} items={animals} link={(a, line) => <a href={`/${a.name}`} {...line} />} />,
    );
    expect(markup).toMatch(/<a href="\/cat"[^>]* data-line="true"><span>cat<\/span>/);
  });

  it('opens the items that are open', () => {
    const opening = {
      isOpen: (a: Animal) => a.name === 'ape',
      toggle: () => undefined,
      label: (a: Animal, isOpen: boolean) => `${isOpen ? 'Close' : 'Open'} ${a.name}`,
      detail: (a: Animal) => <p>All about the {a.name}</p>,
    };
    const markup = rendered(<List {...shared} items={animals} opening={opening} />);
    expect(markup).toContain('aria-expanded="false" aria-label="Open cat"');
    expect(markup).toContain('aria-expanded="true" aria-label="Close ape"');
    expect(count(markup, 'All about')).toBe(1);
  });

  const more = {
    what: 'animal',
    hasMore: true,
    loading: false,
    error: undefined,
    retry: () => undefined,
    see: () => undefined,
    cut: false,
    hold: () => undefined,
    fresh: undefined,
    list: undefined,
    place: undefined,
  };

  it('tells how much is loaded, that more comes, and why it does not', () => {
    expect(texts(rendered(<List {...shared} items={animals} more={more} />))).toContain('2 animals loaded');
    expect(texts(rendered(<List {...shared} items={animals} more={{ ...more, loading: true }} />))).toContain(
      'loading more…',
    );
    const all = rendered(<List {...shared} items={animals} more={{ ...more, hasMore: false }} />);
    expect(texts(all)).toContain('2 animals, all there are');
    const cut = rendered(<List {...shared} items={animals} more={{ ...more, hasMore: false, cut: true }} />);
    expect(texts(cut)).toContain('2 animals loaded');
    const away = rendered(<List {...shared} items={animals} more={{ ...more, error: new Error('away') }} />);
    expect(texts(away).join('')).toContain('More could not be had: away');
    expect(away).toContain('Try again');
  });

  it('has the place of an item that is not here', () => {
    const items = { length: 2, at: (i: number) => (i === 1 ? animals[1] : undefined) };
    const markup = rendered(<List {...shared} items={items} more={more} />);
    expect(texts(markup)).toEqual(['Name', 'Legs', 'ape', '2', '2 animals loaded']);
    expect(count(markup, 'role="presentation"')).toBe(1);
  });

  it('says how much is new, and does not move for it', () => {
    const fresh = { count: 14, atLeast: false, show: () => undefined };
    expect(texts(rendered(<List {...shared} items={animals} more={{ ...more, fresh }} />)).join('')).toContain(
      '14 new',
    );
  });

  it('sorts lines that are links by buttons over them, in the order that it is given', () => {
    const sorting = columns.map((column) => ({ ...column, sort: { first: 'descending' as const } }));
    const markup = rendered(
      <List
        {...shared}
        columns={sorting}
        items={animals}
        order={{ is: { by: 'legs', descending: true }, set: () => undefined }}
        link={(a, line) => <a href={`/${a.name}`} {...line} />}
      />,
    );
    expect(markup).toContain('role="group" aria-label="Sort by"');
    expect(markup).toMatch(/aria-pressed="true">Legs/);
    expect(markup).toContain('role="list" aria-label="Animals"');
    expect(texts(markup)).toEqual(['Name', 'Legs', 'cat', '4', 'ape', '2']);
  });
});

describe('a table', () => {
  const order = { is: { by: 'name', descending: false }, set: () => undefined };

  it('sorts by the column that the order names, and says so', () => {
    const markup = rendered(<List {...shared} items={animals} order={order} />);
    expect(texts(markup)).toEqual(['Name', 'Legs', 'ape', '2', 'cat', '4']);
    expect(markup).toContain('role="table" aria-label="Animals" aria-rowcount="3"');
    expect(markup).toContain('role="columnheader" aria-sort="ascending"');
    expect(count(markup, 'role="row"')).toBe(3);
    expect(count(markup, 'role="cell"')).toBe(4);
    expect(markup).not.toContain('role="list"');
    expect(
      texts(rendered(<List {...shared} items={animals} order={{ ...order, is: { by: 'name', descending: true } }} />)),
    ).toEqual(['Name', 'Legs', 'cat', '4', 'ape', '2']);
  });

  it('takes rows of other items below an opened one', () => {
    const markup = rendered(<Rows {...shared} items={animals} table />);
    expect(texts(markup)).toEqual(['cat', '4', 'ape', '2']);
    expect(count(markup, 'role="row"')).toBe(2);
    expect(rendered(<Rows {...shared} items={animals} />)).toContain('role="list" aria-label="Animals"');
  });
});
