// Stack traces as runs of frames: those of whoever wrote the program, and those of libraries, which are folded.

export interface StackPart {
  /** What says what went wrong, frames of the program, or frames of libraries. */
  kind: 'text' | 'own' | 'library';
  lines: readonly string[];
  /** Frames; one of Go or Python takes two lines. */
  frames: number;
}

/** Where a line begins a frame, by language. */
const frame = [
  /^\s+at\s/, // Java, JavaScript, .NET
  /^\s*File ".*", line \d+/, // Python
  /^\s*#\d+\s/, // PHP, C++
  /^\s*(from\s+)?\S+\.rb:\d+:in\s/, // Ruby
  /^[\w./*-]+(?:\(\*?\w+\)[\w./*-]*)?\([^()]*\)$/, // Go: the function
  /^\s+\S+\.rs:\d+/, // Rust: the place
  /^\s+\d+:\s/, // Rust: the function
];

/** What follows a frame's first line and belongs to it: Go's place, Python's code. */
const second = [/^\t\S+\.go:\d+/, /^\s{4,}\S/];

const library = new RegExp(
  [
    'node_modules/|node:internal|\\(internal/|<anonymous>',
    'site-packages/|dist-packages/|lib/python\\d',
    'at (?:java|javax|jakarta|jdk|sun|com\\.sun|kotlin|kotlinx|scala|akka|groovy)\\.',
    'at (?:org\\.(?:springframework|apache|eclipse|hibernate|jboss|junit|gradle)|io\\.(?:netty|vertx|grpc|undertow|opentelemetry|micrometer)|reactor|com\\.zaxxer|org\\.postgresql)\\.',
    'at (?:System|Microsoft|Npgsql|Grpc)\\.',
    '/pkg/mod/|/usr/local/go/src/|/go/src/runtime/|^(?:runtime|net/http|testing|reflect|sync)\\.',
    '/vendor/|/gems/|/ruby/\\d',
    '/rustc/|\\.cargo/registry',
  ].join('|'),
);

/** Characters of a line that may begin a frame: what is longer is a text, which a sender may make as long as he likes. */
const longest = 1_000;

const beginsFrame = (line: string): boolean => line.length <= longest && frame.some((one) => one.test(line));

/** Fewer frames of libraries than these are not worth folding. */
const least = 3;

export function stackParts(text: string): StackPart[] {
  const lines = text.trimEnd().split(/\r?\n/);
  const parts: { kind: StackPart['kind']; lines: string[]; frames: number }[] = [];
  const add = (kind: StackPart['kind'], of: readonly string[]) => {
    const last = parts.at(-1);
    if (last?.kind === kind) {
      last.lines.push(...of);
      last.frames += Number(kind !== 'text');
    } else parts.push({ kind, lines: [...of], frames: Number(kind !== 'text') });
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (!beginsFrame(line)) {
      add('text', [line]);
      continue;
    }
    const whole = [line];
    const next = lines[i + 1];
    if (next !== undefined && !beginsFrame(next) && second.some((one) => one.test(next))) {
      whole.push(next);
      i++;
      // Python underlines what failed in the line.
      if (/^\s+[\^~]+$/.test((lines[i + 1] ?? '').trimEnd())) whole.push(lines[++i]!);
    }
    add(whole.some((one) => one.length <= longest && library.test(one)) ? 'library' : 'own', whole);
  }
  return parts.map((part) =>
    part.kind === 'library' && part.frames < least ? { ...part, kind: 'own' as const } : part,
  );
}
