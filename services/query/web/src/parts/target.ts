import type { Attribute } from '../api/model';
import { attribute, valueText } from './value';

/**
 * What a span with a bare name was about. HTTP client spans are named by their method alone ("GET"), as the semantic
 * conventions want it; their path tells more. Empty where the name already says it.
 */
export function target(name: string, attributes: readonly Attribute[]): string {
  if (!/^(HTTP )?[A-Z]+$/.test(name)) return '';
  const text = (key: string) => {
    const value = attribute(attributes, key);
    return value === undefined ? '' : valueText(value);
  };
  const template = text('http.route') || text('url.template') || text('url.path') || text('http.target');
  if (template !== '') return template;
  const full = text('url.full') || text('http.url');
  return URL.canParse(full) ? new URL(full).pathname : '';
}
