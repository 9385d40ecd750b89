import { expect, it } from 'vitest';
import { EventReader, type ServerEvent } from './events';

const text =
  ': a comment\n\nid: 7.1\nevent: log\ndata: {"a":1}\n\ndata: two\ndata:lines\n\nevent: empty\n\nevent: end\r\ndata: x: y\r\n\r\n';
const events: ServerEvent[] = [
  { name: 'log', data: '{"a":1}' },
  { name: 'message', data: 'two\nlines' },
  { name: 'end', data: 'x: y' },
];

it('reads events, wherever the pieces end in which they come', () => {
  expect(new EventReader().read(text)).toEqual(events);
  for (let size = 1; size < 12; size++) {
    const reader = new EventReader();
    const read: ServerEvent[] = [];
    for (let at = 0; at < text.length; at += size) read.push(...reader.read(text.slice(at, at + size)));
    expect(read, `in pieces of ${size}`).toEqual(events);
  }
});

it('keeps back what is not whole', () => {
  const reader = new EventReader();
  expect(reader.read('data: a')).toEqual([]);
  expect(reader.read('\n')).toEqual([]);
  expect(reader.read('\n')).toEqual([{ name: 'message', data: 'a' }]);
});
