import { ActionIcon, Popover } from '@mantine/core';
import { IconHelp } from '@tabler/icons-react';
import type { FilterField, FilterOperator } from '../api/model';
import { relationName, type Grammar } from '../filter/grammar';
import classes from './FilterHelp.module.css';

/** How to write a filter: every operator and every field that the server serves, in its words. */
export function FilterHelp({ grammar }: { grammar: Grammar }) {
  return (
    <Popover position="bottom-end" width={520}>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" size={24} aria-label="How to write a filter">
          <IconHelp size={14} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <HelpText grammar={grammar} />
      </Popover.Dropdown>
    </Popover>
  );
}

export function HelpText({ grammar: { operators, fields, relations, words } }: { grammar: Grammar }) {
  return (
    <div className={classes.help} tabIndex={0} role="region" aria-label="How to write a filter">
      <dl>
        <Entry term="http.route = /cart">
          A key, an operator and a value. A bare key is one of the item or of its resource. A value with blanks, commas
          or brackets stands in &quot;quotes&quot;, in which \ stands before a quote or another \ and makes \n a new
          line.
        </Entry>
        <Entry term="code = 200">
          The number, or the text of it. In quotes, code = &quot;200&quot;, the text alone; int(200), double(200) and
          number(200) are numbers alone.
        </Entry>
        <Entry term="a = 1 and (b = 2 or not c = 3)">and binds tighter than or, not tighter than and.</Entry>
        <Entry term="key exists, key not exists">Has it, or has it not.</Entry>
        <Entry term="duration > 100ms">Lengths of time in ns, us, ms, s, m, h; bytes in kB, MB, KiB, MiB.</Entry>
        {words !== undefined && (
          <Entry term='timeout "Card declined"'>
            Words by themselves are whole words of the {words.name}, whatever the case of their letters; in quotes a
            part of it as it stands.
          </Entry>
        )}
        {words !== undefined && (
          <Entry term="attributes.disk is full">
            The key of an attribute without a dot takes signs like = and &gt; alone: disk is full could be words.
          </Entry>
        )}
      </dl>
      {relations.length > 0 && (
        <>
          <h3>Other spans of the trace</h3>
          <dl>
            {relations.map(({ name, description }) => (
              <Entry key={name} term={`${relationName(name)}(…)`}>
                All that stands in it holds for {description}.
              </Entry>
            ))}
          </dl>
        </>
      )}
      <h3>Operators</h3>
      <dl>
        {operators.map((operator) => (
          <Entry key={operator.name} term={form(operator)}>
            {operator.symbol !== '' && <>In words “{operator.label}”. </>}
            {operator.description}
          </Entry>
        ))}
      </dl>
      <h3>Fields</h3>
      <dl>
        {fields.map((field) => (
          <Entry key={field.name} term={field.prefix ? `${field.name}<key>` : field.name}>
            {field.description}
            {values(field)}
          </Entry>
        ))}
      </dl>
    </div>
  );
}

function form({ symbol, label, operand }: FilterOperator): string {
  const sign = ` ${symbol === '' ? label : symbol} `;
  switch (operand) {
    case 'one':
      return `key${sign}value`;
    case 'list':
      return `key${sign}(a, b)`;
    case 'flag':
      return `key${sign}`.trim();
  }
}

const values = (field: FilterField): string => (field.values.length === 0 ? '' : ` One of ${field.values.join(', ')}.`);

function Entry({ term, children }: { term: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>
        <code>{term}</code>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
