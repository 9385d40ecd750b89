import { describe, expect, it } from 'vitest';
import { nextOrder, orderFromText, orderToText, sortItems, tracks, type Column } from './columns';

interface Animal {
  name: string;
  legs: number;
}

const columns: readonly Column<Animal>[] = [
  {
    id: 'name',
    header: 'Name',
    width: 'minmax(100px, 2fr)',
    sort: { compare: (a, b) => a.name.localeCompare(b.name), first: 'ascending' },
    cell: (animal) => animal.name,
  },
  {
    id: 'legs',
    header: 'Legs',
    width: '50px',
    narrow: '30px',
    sort: { compare: (a, b) => a.legs - b.legs, first: 'descending' },
    cell: (animal) => animal.legs,
  },
  { id: 'photo', header: '', width: '80px', narrow: null, cell: () => null },
];
const animals: readonly Animal[] = [
  { name: 'cat', legs: 4 },
  { name: 'hen', legs: 2 },
  { name: 'ape', legs: 4 },
];
const names = (text: string | undefined) =>
  sortItems(animals, columns, orderFromText(columns, text)).map((animal) => animal.name);

it('the grid of a row is made of its columns, with fewer in a narrow window', () => {
  expect(tracks(columns)).toEqual({ wide: 'minmax(100px, 2fr) 50px 80px', narrow: 'minmax(100px, 2fr) 30px' });
});

describe('the order of items', () => {
  it('is by the first column that sorts at first, and where the address cannot be read', () => {
    expect(names(undefined)).toEqual(['ape', 'cat', 'hen']);
    expect(names('nonsense')).toEqual(['ape', 'cat', 'hen']);
    expect(names('photo')).toEqual(['ape', 'cat', 'hen']);
    expect(names('-name')).toEqual(['hen', 'cat', 'ape']);
  });

  it('is by figure, and among equals by name whichever way it goes', () => {
    expect(names('-legs')).toEqual(['ape', 'cat', 'hen']);
    expect(names('legs')).toEqual(['hen', 'ape', 'cat']);
  });

  it('begins with what a column says, turns at the second click and comes back from the address', () => {
    const once = nextOrder(columns, orderFromText(columns, undefined), 'legs');
    expect(once).toEqual({ by: 'legs', descending: true });
    expect(nextOrder(columns, once, 'legs')).toEqual({ by: 'legs', descending: false });
    expect(nextOrder(columns, once, 'name')).toEqual({ by: 'name', descending: false });
    expect(orderFromText(columns, orderToText(once))).toEqual(once);
  });
});
