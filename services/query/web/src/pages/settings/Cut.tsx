import type { Usage } from '../../api/installation';
import classes from './Settings.module.css';

/** Says so where an answer was cut. */
export function Cut({ incomplete }: { incomplete: Usage['incomplete'] | undefined }) {
  if (incomplete === undefined) return null;
  return (
    <p className={classes.cut} role="status">
      This answer was cut: {incomplete.message}. What is shown is right, but there is more.
    </p>
  );
}
