// Where the focus goes by keys.

/** Whether keys belong to what has the focus: somebody types there, or a dialogue or a menu is open. */
export function typesIn(target: Element): 'field' | 'dialogue' | undefined {
  if (target.closest('[role="dialog"], [role="menu"], [role="listbox"]') !== null) return 'dialogue';
  const field = target.closest('input, textarea, select, [contenteditable]');
  if (field === null) return undefined;
  // Of these, letters are no text.
  return field instanceof HTMLInputElement && ['checkbox', 'radio', 'button', 'range'].includes(field.type)
    ? undefined
    : 'field';
}

/** Puts the focus into the query of the page, or into what else one can find by on it. */
export function focusQuery(): void {
  const fields = [...document.querySelectorAll<HTMLInputElement>('main [role="search"] input:not([disabled])')];
  const field = fields.find((one) => one.offsetParent !== null);
  field?.focus();
  field?.select();
}

/** From a field back to the page, so that keys are keys again. */
export function leaveField(field: Element): void {
  if (field instanceof HTMLElement && field.closest('main') !== null) focusPage();
}

/** Puts the focus on the page itself. */
export const focusPage = (): void => document.getElementById('content')?.focus();

/** Puts the focus on a line of the list of the page, the first or last that is in sight. Within a list, its own keys go on from there. */
export function focusList(at: 'first' | 'last'): void {
  const tree = document.querySelector<HTMLElement>('main [role="tree"]');
  if (tree !== null) return tree.focus();
  const lines = [...document.querySelectorAll<HTMLElement>('main [data-line]')];
  const seen = lines.filter(inSight);
  const control = controlOf(at === 'first' ? seen[0] : seen.at(-1));
  control?.focus();
}

/** The part of a line that can have the focus. */
export function controlOf(line: Element | null | undefined): HTMLElement | undefined {
  const control = line?.matches('a, button') === true ? line : line?.querySelector('a, button');
  return control instanceof HTMLElement ? control : undefined;
}

/** Whether a line is wholly in what its list shows, below the head that stays. */
function inSight(line: HTMLElement): boolean {
  const list = line.closest('[data-list]');
  if (list === null) return true;
  const [seen, own] = [list.getBoundingClientRect(), line.getBoundingClientRect()];
  const head = list.querySelector('[data-list-head]')?.getBoundingClientRect().height ?? 0;
  return own.top >= seen.top + head - 1 && own.bottom <= seen.bottom + 1;
}
