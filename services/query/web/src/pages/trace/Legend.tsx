import { formatCount, plural } from '../../parts/number';
import { Service } from '../../parts/Service';
import { label } from '../../parts/shown';
import classes from './Legend.module.css';
import type { Tree } from './tree';

interface Props {
  services: Tree['services'];
  /** The service whose spans stand out. */
  service: string | undefined;
  onService: (service: string | undefined) => void;
}

/** The services of a trace with their colours; a click makes the spans of one stand out. */
export function Legend({ services, service, onService }: Props) {
  return (
    <div className={classes.legend} role="group" aria-label="Highlight a service">
      {services.map(({ name, spans, errors }) => (
        <button
          key={name}
          type="button"
          aria-pressed={service === name}
          aria-label={`${label(name)} ${formatCount(spans)} ${spans === 1 ? 'span' : 'spans'}${errors > 0 ? `, ${plural(errors, 'error')}` : ''}`}
          data-errors={errors > 0 || undefined}
          onClick={() => onService(service === name ? undefined : name)}
        >
          <Service name={name} /> <span className="numeric">{formatCount(spans)}</span>
        </button>
      ))}
    </div>
  );
}
