import { SegmentedControl } from '@mantine/core';
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
import { compact } from '../../route/search';
import { Cardinality, useCardinality } from './Cardinality';
import { Catalogue } from './Catalogue';
import { Explorer } from './Explorer';
import { metricKey, metricOf, namesOf } from './find';
import classes from './MetricsPage.module.css';

const route = getRouteApi('/explore/metrics');

export function MetricsPage() {
  const search = route.useSearch();
  const counts = search.cardinality === 'on';
  const metrics = useAnswer(['metric-catalogue'], listMetrics, !counts);
  const cardinality = useCardinality(counts);
  const views = (search.name === undefined || counts) && <Views counts={counts} />;
  return (
    <Page title="Metrics" answer={(counts ? cardinality : metrics).answer}>
      {views}
      {counts ? (
        <Cardinality of={cardinality} />
      ) : (
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
      )}
    </Page>
  );
}

/** What there is, or how many series that is. */
function Views({ counts }: { counts: boolean }) {
  const navigate = route.useNavigate();
  return (
    <div className={classes.views}>
      <SegmentedControl
        size="xs"
        aria-label="View"
        value={counts ? 'cardinality' : 'catalogue'}
        onChange={(next) =>
          void navigate({
            search: ({ range, from, to, find }) =>
              compact({ range, from, to, find, cardinality: next === 'cardinality' ? ('on' as const) : undefined }),
          })
        }
        data={[
          { value: 'catalogue', label: 'Catalogue' },
          { value: 'cardinality', label: 'Cardinality' },
        ]}
      />
    </div>
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
