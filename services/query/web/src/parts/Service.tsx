import { hint } from './shown';
import { Text } from './Text';
import classes from './Service.module.css';
import { useServiceColour } from './service-colours';

/** A service's name after a dot in its colour. */
export function Service({ name, dim = false }: { name: string; dim?: boolean }) {
  const colour = useServiceColour();
  return (
    <span className={classes.service} data-dim={dim || undefined} title={hint(name)}>
      <span className={classes.dot} style={{ background: colour(name) }} aria-hidden />
      <span className={classes.name}>
        <Text of={name} empty="no service name" />
      </span>
    </span>
  );
}
