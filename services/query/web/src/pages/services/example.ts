// For tests: a service about which nothing is said but what a test says.

import type { Service } from '../../api/model';

export const service = (told: Partial<Service>): Service => ({
  name: 'cart',
  namespace: '',
  spans: 0,
  basis: 'entry',
  red: { requests: 0, errors: 0, rate: 0, errorRate: 0, p50: 0, p95: 0, p99: 0 },
  before: undefined,
  series: undefined,
  firstSeen: 0n,
  lastSeen: 0n,
  ever: undefined,
  ...told,
});
