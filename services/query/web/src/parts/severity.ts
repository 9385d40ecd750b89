/** The six ranges of OpenTelemetry's severity numbers, by their least. */
export const severities = [
  { name: 'trace', label: 'Trace', from: 1 },
  { name: 'debug', label: 'Debug', from: 5 },
  { name: 'info', label: 'Info', from: 9 },
  { name: 'warn', label: 'Warn', from: 13 },
  { name: 'error', label: 'Error', from: 17 },
  { name: 'fatal', label: 'Fatal', from: 21 },
] as const;

export type SeverityName = (typeof severities)[number]['name'];

/** The range a number lies in; undefined for 0, which means that the sender gave none. */
export function severityOf(number: number): (typeof severities)[number] | undefined {
  return severities.findLast((s) => number >= s.from);
}

/** What the list shows: the range's name, since senders' own texts differ in case and length; their text where there is no number. */
export function severityLabel(number: number, text: string): string {
  return severityOf(number)?.name.toUpperCase() ?? (text === '' ? '–' : text.toUpperCase());
}

export const severityColour = (number: number): string => {
  const name = severityOf(number)?.name;
  return name === undefined ? 'var(--ink-3)' : `var(--${name})`;
};
