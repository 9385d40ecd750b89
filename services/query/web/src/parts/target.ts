import type { Attribute } from '../api/model';
import { attribute, valueText } from './value';

const templates = ['http.route', 'url.template', 'url.path', 'http.target'] as const;
const addresses = ['url.full', 'http.url'] as const;

/** The fields that a target is made of, as filters call them. */
export const targetFields: readonly string[] = [...templates, ...addresses].map((key) => `attributes.${key}`);

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
  const first = (keys: readonly string[]) => keys.map(text).find((found) => found !== '') ?? '';
  const template = first(templates);
  if (template !== '') return template;
  const full = first(addresses);
  return URL.canParse(full) ? new URL(full).pathname : '';
}
