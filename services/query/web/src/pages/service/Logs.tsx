import { Link } from '@tanstack/react-router';
import { getFigures, type ServiceName } from '../../api/endpoints';
import { useAnswer } from '../../parts/answer';
import { sentBy } from '../../parts/leads';
import { Lines, Loading } from '../../parts/Loading';
import { formatRate, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { severities, severityColour } from '../../parts/severity';
import { TimeChart } from '../../parts/TimeChart';
import { stepFor } from '../../time/steps';
import { None, Section } from './Section';
import { bySeverity, ofService, type Severity } from './service';
import classes from './ServicePage.module.css';

const colour = (name: Severity['name']): string => severityColour(severities.find((s) => s.name === name)?.from ?? 0);

/** How much the service logged, by severity, over the whole range. */
export function Logs({ service }: { service: ServiceName }) {
  const asked = useAnswer(['logs-of', service.name, service.namespace ?? ''], (bounds, signal) =>
    getFigures(
      {
        bounds,
        signal: 'logs',
        filters: ofService(service),
        measures: [{ measure: 'count' }],
        groupBy: ['severity'],
        stepSeconds: stepFor(bounds),
      },
      signal,
    ),
  );
  const { data, bounds } = asked;
  const of = { service: service.name, namespace: service.namespace };
  const severity = data === undefined ? undefined : bySeverity(data);
  return (
    <Section
      title="Logs"
      note={data === undefined ? undefined : plural(data.total.items, 'record')}
      links={
        <Link to="/logs" search={sentBy(of)}>
          Logs
        </Link>
      }
    >
      <Outcome
        of={{ ...asked, data: severity }}
        loading={
          <Loading gap={18}>
            <Lines count={4} height={10} widest={90} by={30} />
          </Loading>
        }
        nothing={<None>It logged nothing in this time range.</None>}
      >
        {(found) => (
          <>
            {bounds !== undefined && data?.timeline !== undefined && (
              <div className={classes.plot}>
                <TimeChart
                  label={`Log records over time: ${found.map((s) => `${s.label} ${s.count}`).join(', ')}`}
                  timeline={data.timeline}
                  bounds={bounds}
                  height={110}
                  bars={found.map((s) => ({ label: s.label, colour: colour(s.name), values: s.values }))}
                  format={formatRate}
                  answer={asked.answer}
                />
              </div>
            )}
            <ul className={classes.severities} aria-label="Log records by severity">
              {found.map((s) => (
                <li key={s.label}>
                  <i style={{ background: colour(s.name) }} aria-hidden />
                  {s.name === undefined ? (
                    s.label
                  ) : (
                    <Link to="/logs" search={sentBy(of, s.name)} title="These and more severe ones">
                      {s.label}
                    </Link>
                  )}
                  <span>{s.count.toLocaleString('en-US')}</span>
                </li>
              ))}
            </ul>
          </>
        )}
      </Outcome>
    </Section>
  );
}
