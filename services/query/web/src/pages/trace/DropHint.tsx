import { IconFileImport } from '@tabler/icons-react';
import classes from './DropHint.module.css';
import { useFileDrop } from './opened';

/** Takes files with traces that are dropped on the page, and says so while one is over it. */
export function DropHint() {
  const over = useFileDrop();
  if (!over) return null;
  return (
    <div className={classes.hint} role="status">
      <IconFileImport size={28} stroke={1.6} aria-hidden />
      <b>Drop it to open its traces here</b>
      <span>OTLP JSON or Jaeger JSON. It is read in this browser, and nothing of it is sent.</span>
    </div>
  );
}
