import { describe, expect, it } from 'vitest';
import { stackParts } from './stack';

const kinds = (...lines: string[]) => stackParts(lines.join('\n')).map(({ kind, frames }) => `${kind} ${frames}`);

describe('stack traces', () => {
  it('of Java fold what is of libraries', () => {
    const framework = '\tat org.springframework.web.Foo.bar(Foo.java:1)';
    expect(
      kinds(
        ...['java.lang.Error: no', '\tat com.shop.Index.find(Index.java:12)'],
        ...[framework, framework, '\tat java.lang.Thread.run(Thread.java:1)', '\tat com.shop.Main.main(Main.java:3)'],
        'Caused by: x',
      ),
    ).toEqual(['text 0', 'own 1', 'library 3', 'own 1', 'text 0']);
  });

  it('of JavaScript', () => {
    const inner = '    at next (/app/node_modules/express/lib/router.js:1:1)';
    expect(kinds('Error: no', '    at find (/app/src/find.js:3:5)', inner, inner, inner)).toEqual([
      'text 0',
      'own 1',
      'library 3',
    ]);
  });

  it('of Python, where a frame has two lines', () => {
    const library = ['  File "/usr/lib/python3.12/site-packages/x.py", line 1, in f', '    call()'];
    expect(
      kinds(
        'Traceback (most recent call last):',
        '  File "/app/shop.py", line 3, in buy',
        '    find()',
        '    ^^^^^^',
        ...library,
        ...library,
        ...library,
        'ValueError: no',
      ),
    ).toEqual(['text 0', 'own 1', 'library 3', 'text 0']);
  });

  it('of Go likewise', () => {
    const library = ['net/http.(*conn).serve(0x1)', '\t/usr/local/go/src/net/http/server.go:1 +0x2'];
    expect(
      kinds(
        'panic: no',
        '',
        'goroutine 1 [running]:',
        'main.find(0x1)',
        '\t/app/main.go:12 +0x2',
        ...library,
        ...library,
        ...library,
      ),
    ).toEqual([...['text 0', 'own 1', 'library 3']]);
  });

  it('leave few frames of libraries where they are, and lose no line', () => {
    const text = 'Error\n    at a (/app/node_modules/x.js:1:1)\n    at b (/app/b.js:1:1)';
    const parts = stackParts(text);
    expect(parts.map(({ kind }) => kind)).toEqual(['text', 'own', 'own']);
    expect(parts.flatMap(({ lines }) => lines).join('\n')).toBe(text);
    expect(stackParts('nothing like it')).toEqual([{ kind: 'text', lines: ['nothing like it'], frames: 0 }]);
  });
});

it('takes lines that somebody made to be slow for texts, at once', () => {
  for (const line of [
    '.('.repeat(2_500) + 'x',
    'a' + ' '.repeat(200_000) + 'b',
    'a.'.repeat(100_000) + '(',
    '('.repeat(400) + '.'.repeat(400),
  ]) {
    expect(stackParts(line).map(({ kind, lines }) => [kind, lines.length])).toEqual([['text', 1]]);
  }
  expect(
    kinds(
      'main.(*Server).handle(0xc000010000)',
      '\t/src/main.go:12 +0x1d',
      'net/http.HandlerFunc.ServeHTTP(...)',
      '\t/usr/local/go/src/net/http/server.go:2220',
    ),
  ).toEqual(['own 1', 'own 1']);
});
