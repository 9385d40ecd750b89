import { useQuery } from '@tanstack/react-query';
import { createContext, use, useCallback, useEffect, useState, type ReactNode } from 'react';
import { listServices } from '../api/endpoints';
import type { Service } from '../api/model';
import { useTimeRange } from '../route/time';
import { assignSlots, serviceColour, slotsFromText, slotsToText, type Slots } from '../style/service-colour';
import { rangeToSearch, resolveRange } from '../time/range';
import { load, save } from './storage';

const ColourContext = createContext<Slots>(new Map());

/** The services with spans in the page's time range, for menus and colours; at most a minute old. */
export function useServices(): readonly Service[] {
  const range = useTimeRange();
  const query = useQuery({
    queryKey: ['services', rangeToSearch(range)],
    queryFn: ({ signal }) => listServices(resolveRange(range, Date.now()), signal),
    staleTime: 60_000,
    placeholderData: (previous) => previous,
  });
  return query.data?.data ?? none;
}

const none: readonly Service[] = [];

export function ServiceColours({ children }: { children: ReactNode }) {
  const services = useServices();
  const [slots, setSlots] = useState(() => slotsFromText(load('colours')));
  const next = assignSlots(
    services.map((s) => s.name),
    slots,
  );
  if (next !== slots) setSlots(next);
  useEffect(() => save('colours', slotsToText(slots)), [slots]);
  return <ColourContext value={slots}>{children}</ColourContext>;
}

/** The colour of a service, as a CSS value that follows the theme. */
export function useServiceColour(): (service: string) => string {
  const slots = use(ColourContext);
  return useCallback((service) => serviceColour(service, slots), [slots]);
}
