import { Button, Select, TextInput } from '@mantine/core';
import { IconFilterOff, IconSearch } from '@tabler/icons-react';
import { Committed, type Field } from '../../parts/Committed';
import { ConditionInput } from '../../parts/ConditionInput';
import bar from '../../parts/FilterBar.module.css';
import { useServices } from '../../parts/service-colours';
import { severities } from '../../parts/severity';
import { hasFilters, isSpanId, isTraceId, type LogSearch } from './filters';

interface Props {
  search: LogSearch;
  onChange: (change: { [K in keyof LogSearch]: LogSearch[K] | undefined }) => void;
  onClear: () => void;
}

const orUndefined = (text: string) => (text.trim() === '' ? undefined : text.trim());

export function LogFilters({ search, onChange, onClear }: Props) {
  const names = useServices().map((s) => s.name);
  const keys = (field: Field) => ({
    value: field.value,
    onChange: (e: React.ChangeEvent<HTMLInputElement>) => field.set(e.currentTarget.value),
    onBlur: () => field.commit(field.value),
    onKeyDown: (e: React.KeyboardEvent) => e.key === 'Enter' && field.commit(field.value),
  });
  return (
    <div className={bar.bar} role="search" aria-label="Filter logs">
      <Select
        size="xs"
        w={180}
        aria-label="Service"
        placeholder="All services"
        data={[...new Set([...names, ...(search.service === undefined ? [] : [search.service])])]}
        value={search.service ?? null}
        onChange={(service) => onChange({ service: service ?? undefined })}
        searchable
        clearable
        nothingFoundMessage="No such service in this range"
      />
      <Select
        size="xs"
        w={140}
        aria-label="Least severity"
        placeholder="Any severity"
        data={severities.map((s) => ({ value: s.name, label: s.name === 'fatal' ? 'Fatal' : `${s.label} and up` }))}
        value={search.severity ?? null}
        onChange={(name) => onChange({ severity: severities.find((s) => s.name === name)?.name })}
        clearable
      />
      <Committed value={search.body ?? ''} commit={(text) => onChange({ body: text === '' ? undefined : text })}>
        {(field) => (
          <TextInput
            size="xs"
            w={260}
            aria-label="Body contains"
            placeholder="Body contains (case-sensitive)"
            leftSection={<IconSearch size={13} />}
            {...keys(field)}
          />
        )}
      </Committed>
      <Committed value={search.trace ?? ''} commit={(text) => onChange({ trace: orUndefined(text) })}>
        {(field) => (
          <TextInput
            size="xs"
            w={170}
            aria-label="Trace ID"
            placeholder="Trace ID"
            spellCheck={false}
            error={field.value.trim() !== '' && !isTraceId(field.value.trim())}
            {...keys(field)}
          />
        )}
      </Committed>
      {search.span !== undefined && (
        <Committed value={search.span} commit={(text) => onChange({ span: orUndefined(text) })}>
          {(field) => (
            <TextInput
              size="xs"
              w={150}
              aria-label="Span ID"
              placeholder="Span ID"
              spellCheck={false}
              error={field.value.trim() !== '' && !isSpanId(field.value.trim())}
              {...keys(field)}
            />
          )}
        </Committed>
      )}
      <ConditionInput
        conditions={search.where ?? []}
        signal="logs"
        onChange={(where) => onChange({ where: where.length === 0 ? undefined : where })}
      />
      {hasFilters(search) && (
        <Button size="xs" variant="subtle" color="gray" leftSection={<IconFilterOff size={14} />} onClick={onClear}>
          Clear
        </Button>
      )}
    </div>
  );
}
