import { describe, expect, it } from 'vitest';
import { example } from '../../filter/example';
import { grammarOf } from '../../filter/grammar';
import { logFilters, logSearch } from './filters';
import { severityLabel, severityOf } from '../../parts/severity';

const trace = '0AF7651916CD43DD8448EB211C80319C';

const grammar = grammarOf(example, 'logs');

describe('log filters', () => {
  it('mean what the address says', () => {
    const search = logSearch({ service: 'cart', severity: 'warn', body: 'time out', trace, where: 'event_name=x' });
    expect(logFilters(search, grammar)).toEqual([
      { field: 'service', operator: 'eq', value: 'cart' },
      { field: 'severity', operator: 'gte', value: 13 },
      { field: 'body', operator: 'contains', value: 'time out' },
      { field: 'trace_id', operator: 'eq', value: trace.toLowerCase() },
      { field: 'event_name', operator: 'eq', value: 'x' },
    ]);
  });

  it('wait for the fields only where something is typed', () => {
    expect(logFilters({ body: 'x' }, undefined)).toHaveLength(1);
    expect(logFilters({ where: ['event_name=x'] }, undefined)).toBeUndefined();
  });

  it('leave out what cannot be read', () => {
    expect(logFilters(logSearch({ severity: 'loud', trace: 'xyz', where: '=' }), grammar)).toEqual([]);
  });
});

describe('severity', () => {
  it.each([
    [0, undefined],
    [1, 'trace'],
    [8, 'debug'],
    [9, 'info'],
    [12, 'info'],
    [24, 'fatal'],
  ])('%d is %s', (number, name) => {
    expect(severityOf(number)?.name).toBe(name);
  });

  it('falls back to the text of the sender', () => {
    expect(severityLabel(0, 'notice')).toBe('NOTICE');
    expect(severityLabel(0, '')).toBe('–');
    expect(severityLabel(10, 'whatever')).toBe('INFO');
  });
});
