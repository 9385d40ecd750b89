import { Link } from '@tanstack/react-router';
import { getFigures, type ServiceName } from '../../api/endpoints';
import { useAnswer } from '../../parts/answer';
import { bySeverity, bySeverityAsked, colourOf, severityLayers } from '../../parts/bySeverity';
import { sentBy } from '../../parts/leads';
import { Lines, Loading } from '../../parts/Loading';
import { formatRate, plural } from '../../parts/number';
import { Outcome } from '../../parts/Outcome';
import { TimeChart } from '../../parts/TimeChart';
import { stepFor } from '../../time/steps';
import { None, Section } from './Section';
import { ofService } from './service';
import classes from './ServicePage.module.css';

/** How much the service logged, by severity, over the whole range. */
export function Logs({ service }: { service: ServiceName }) {
  const asked = useAnswer(['logs-of', service.name, service.namespace ?? ''], (bounds, signal) =>
    getFigures({ ...bySeverityAsked, bounds, filters: ofService(service), stepSeconds: stepFor(bounds) }, signal),
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
                  bars={severityLayers(found)}
                  format={formatRate}
                  answer={asked.answer}
                />
              </div>
            )}
            <ul className={classes.severities} aria-label="Log records by severity">
              {found.map((s) => (
                <li key={s.label}>
                  <i style={{ background: colourOf(s.name) }} aria-hidden />
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
