import type { ShownFields, Value } from '../../api/model';
import type { Column } from '../../parts/columns';
import { literalOf, Pointable } from '../../parts/query/pointing';
import { hint } from '../../parts/shown';
import { Text } from '../../parts/Text';
import { valueText } from '../../parts/value';
import { formatDuration } from '../../time/duration';
import { formatInstant } from '../../time/instant';
import classes from './columns.module.css';

/** A column for each field that was chosen, in the order in which they were. */
export const fieldColumns = <T,>(fields: readonly string[], of: (item: T) => ShownFields): readonly Column<T>[] =>
  fields.map((field) => ({
    id: `field ${field}`,
    header: field.replace(/^attributes\./, ''),
    width: 'minmax(80px, 1fr)',
    className: classes.field,
    cell: (item) => <FieldValue field={field} value={of(item).get(field)} />,
  }));

/** Fields that are numbers on the way and something else to read. */
const formats = new Map<string, (nanos: bigint) => string>([
  ['duration', (nanos) => formatDuration(Number(nanos))],
  ['time', (nanos) => formatInstant(nanos)],
]);

function FieldValue({ field, value }: { field: string; value: Value | undefined }) {
  if (value === undefined) return null;
  const format = formats.get(field);
  const text = format !== undefined && value.type === 'int' ? format(value.value) : valueText(value);
  const literal = format === undefined ? literalOf(value) : undefined;
  const shown = (
    <span title={hint(text)}>
      <Text of={text} />
    </span>
  );
  if (literal === undefined) return shown;
  return (
    <Pointable signal="traces" field={field} value={literal} shown={text} within>
      {shown}
    </Pointable>
  );
}
