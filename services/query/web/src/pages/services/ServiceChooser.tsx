import { Select, Switch } from '@mantine/core';
import { useMemo } from 'react';
import { useServices } from '../../parts/service-colours';
import { namespacesOf, type ServicesSearch } from './services';

interface Props {
  choice: Pick<ServicesSearch, 'namespace' | 'own'>;
  onChange: (choice: { namespace?: string | undefined; own?: '1' | undefined }) => void;
}

/** Which services pages about services show: those of a namespace, and whether ollyScale's own. */
export function ServiceChooser({ choice, onChange }: Props) {
  const services = useServices();
  const namespaces = useMemo(() => {
    const all = namespacesOf(services);
    const { namespace } = choice;
    return namespace === undefined || all.includes(namespace) ? all : [...all, namespace];
  }, [services, choice]);
  return (
    <>
      {namespaces.length > 0 && (
        <Select
          size="xs"
          w={170}
          aria-label="Namespace"
          placeholder="All namespaces"
          data={namespaces}
          value={choice.namespace ?? null}
          onChange={(namespace) => onChange({ namespace: namespace ?? undefined })}
          searchable
          clearable
        />
      )}
      <Switch
        size="xs"
        label="Hide own telemetry"
        title="That of ollyScale itself"
        checked={choice.own === undefined}
        onChange={(event) => onChange({ own: event.currentTarget.checked ? undefined : '1' })}
      />
    </>
  );
}
