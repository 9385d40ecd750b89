import { Button, Select, TextInput, Autocomplete } from '@mantine/core';
import { IconAlertCircle, IconFilterOff } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { listOperations } from '../../api/endpoints';
import { Committed } from '../../parts/Committed';
import { ConditionInput } from '../../parts/ConditionInput';
import { useServices } from '../../parts/service-colours';
import { useTimeRange } from '../../route/time';
import { parseDuration } from '../../time/duration';
import { rangeToSearch, resolveRange } from '../../time/range';
import bar from '../../parts/FilterBar.module.css';
import { hasFilters, type TraceSearch } from './filters';

interface Props {
  search: TraceSearch;
  onChange: (change: { [K in keyof TraceSearch]: TraceSearch[K] | undefined }) => void;
  onClear: () => void;
}

export function TraceFilters({ search, onChange, onClear }: Props) {
  const services = useServices();
  const names = services.map((s) => s.name);
  const operations = useOperations(search.service);
  return (
    <div className={bar.bar} role="search" aria-label="Filter traces">
      <Select
        size="xs"
        w={180}
        aria-label="Service"
        placeholder="All services"
        data={[...new Set([...names, ...(search.service === undefined ? [] : [search.service])])]}
        value={search.service ?? null}
        onChange={(service) => onChange({ service: service ?? undefined, operation: undefined })}
        searchable
        clearable
        nothingFoundMessage="No such service in this range"
      />
      <Committed
        value={search.operation ?? ''}
        commit={(operation) => onChange({ operation: operation === '' ? undefined : operation })}
      >
        {(field) => (
          <Autocomplete
            size="xs"
            w={220}
            aria-label="Operation"
            placeholder="Any operation"
            data={operations}
            limit={50}
            value={field.value}
            onChange={field.set}
            onOptionSubmit={field.commit}
            onBlur={() => field.commit(field.value)}
            onKeyDown={(e) => e.key === 'Enter' && field.commit(field.value)}
            clearable
            onClear={() => field.commit('')}
          />
        )}
      </Committed>
      {(['min', 'max'] as const).map((end) => (
        <Committed
          key={end}
          value={search[end] ?? ''}
          commit={(text) => onChange({ [end]: text.trim() === '' ? undefined : text.trim() })}
        >
          {(field) => (
            <TextInput
              size="xs"
              w={112}
              aria-label={end === 'min' ? 'Least duration' : 'Greatest duration'}
              placeholder={end === 'min' ? '≥ 250ms' : '≤ 2s'}
              value={field.value}
              error={field.value !== '' && parseDuration(field.value) === undefined}
              onChange={(e) => field.set(e.currentTarget.value)}
              onBlur={() => field.commit(field.value)}
              onKeyDown={(e) => e.key === 'Enter' && field.commit(field.value)}
            />
          )}
        </Committed>
      ))}
      <Button
        size="xs"
        variant={search.errors === undefined ? 'default' : 'light'}
        color={search.errors === undefined ? 'gray' : 'red'}
        leftSection={<IconAlertCircle size={14} />}
        aria-pressed={search.errors !== undefined}
        onClick={() => onChange({ errors: search.errors === undefined ? '1' : undefined })}
      >
        Errors only
      </Button>
      <ConditionInput
        conditions={search.where ?? []}
        signal="traces"
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

function useOperations(service: string | undefined): string[] {
  const range = useTimeRange();
  const query = useQuery({
    queryKey: ['operations', service, rangeToSearch(range)],
    queryFn: ({ signal }) => listOperations(service ?? '', resolveRange(range, Date.now()), signal),
    enabled: service !== undefined,
    staleTime: 60_000,
  });
  return [...new Set(query.data?.data.map((o) => o.name))];
}
