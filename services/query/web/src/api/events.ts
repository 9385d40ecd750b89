// Server-sent events, as the HTML standard writes them, out of the pieces that come over the wire.

export interface ServerEvent {
  /** "message" where the server calls it nothing. */
  name: string;
  data: string;
}

/** Reads one stream. */
export class EventReader {
  private rest = '';
  private name = '';
  private data: string[] = [];

  /** The events that are whole with this piece. */
  read(piece: string): ServerEvent[] {
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.line(line));
  }

  private line(line: string): ServerEvent[] {
    if (line === '') return this.whole();
    const [, field = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === 'event') this.name = value;
    if (field === 'data') this.data.push(value);
    return [];
  }

  private whole(): ServerEvent[] {
    const event = { name: this.name === '' ? 'message' : this.name, data: this.data.join('\n') };
    const some = this.data.length > 0;
    this.name = '';
    this.data = [];
    return some ? [event] : [];
  }
}
