// The file that is open here, from the moment somebody drops it, on whichever page, until the tab is closed or another one is dropped. It is held
// in memory and goes nowhere else: an address leads nobody to it, and a reload forgets it.

import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';

let held: File | undefined;
const listeners = new Set<() => void>();

function hold(file: File): void {
  held = file;
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useOpenedFile = (): File | undefined => useSyncExternalStore(subscribe, () => held);

/** Opens a file with a trace, on the page for that. */
export function useOpenFile(): (file: File) => void {
  const navigate = useNavigate();
  return useCallback(
    (file: File) => {
      hold(file);
      void navigate({ to: '/traces/file', search: {} });
    },
    [navigate],
  );
}

/** Whether somebody is dragging a file over the page; where it is let go of it is opened. */
export function useFileDrop(): boolean {
  const open = useOpenFile();
  const [over, setOver] = useState(false);
  useEffect(() => {
    const hasFile = (event: DragEvent) => event.dataTransfer?.types.includes('Files') === true;
    const onOver = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFile(event)) return;
      event.preventDefault();
      setOver(false);
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) open(file);
    };
    window.addEventListener('dragover', onOver);
    window.addEventListener('dragleave', onLeave);
    window.addEventListener('drop', onDrop);
    return () => {
      window.removeEventListener('dragover', onOver);
      window.removeEventListener('dragleave', onLeave);
      window.removeEventListener('drop', onDrop);
    };
  }, [open]);
  return over;
}
