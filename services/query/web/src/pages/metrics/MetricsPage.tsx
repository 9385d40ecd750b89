import { IconChartLine } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { listMetrics } from '../../api/endpoints';
import type { CatalogueMetric } from '../../api/model';
import { useAnswer } from '../../parts/answer';
import { Lines, Loading } from '../../parts/Loading';
import { Nothing } from '../../parts/Nothing';
import { Outcome } from '../../parts/Outcome';
import { Page } from '../../parts/Page';
import state from '../../parts/State.module.css';
import { Catalogue } from './Catalogue';
import { Explorer } from './Explorer';
import { metricKey, metricOf, namesOf } from './find';
import classes from './MetricsPage.module.css';

const route = getRouteApi('/explore/metrics');

export function MetricsPage() {
  const metrics = useAnswer(['metric-catalogue'], listMetrics);
  return (
    <Page title="Metrics" answer={metrics.answer}>
      <Outcome
        of={metrics}
        loading={
          <Loading gap={24}>
            <Lines count={12} height={14} widest={28} by={12} />
          </Loading>
        }
        nothing={<Nothing what="metrics" clearFilters={undefined} />}
      >
        {(all) => <Found metrics={all} />}
      </Outcome>
    </Page>
  );
}

/** The catalogue, to find a metric in, and beside it the one that is chosen. */
function Found({ metrics }: { metrics: readonly CatalogueMetric[] }) {
  const search = route.useSearch();
  const names = useMemo(() => namesOf(metrics), [metrics]);
  if (search.name === undefined) return <Catalogue names={names} chosen={undefined} />;
  const chosen = metricOf(names, search);
  return (
    <div className={classes.split}>
      <Catalogue names={names} chosen={chosen} />
      {chosen === undefined ? (
        <div className={state.state}>
          <div className={state.icon}>
            <IconChartLine size={26} stroke={1.6} />
          </div>
          <h2>No metric of this name</h2>
          <p>None with points in this time range.</p>
        </div>
      ) : (
        <Explorer key={metricKey(chosen)} entry={chosen} names={names} />
      )}
    </div>
  );
}
