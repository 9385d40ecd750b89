import { areaPath, barsPath, linePath, type Values } from './sparkPaths';
import classes from './Sparkline.module.css';

/** How a figure went over the range, at a glance: it stands beside the figure, which says the same in one number. */
export function Sparkline({ values, failures = false }: { values: Values; failures?: boolean }) {
  const [width, height] = [120, 24];
  return (
    <svg className={classes.sparkline} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden>
      <line className={classes.ground} x1={0} x2={width} y1={height - 0.5} y2={height - 0.5} />
      {failures ? (
        <path className={classes.bars} d={barsPath(values, width, height)} />
      ) : (
        <>
          <path className={classes.area} d={areaPath(values, width, height - 1)} />
          <path className={classes.line} d={linePath(values, width, height - 1)} />
        </>
      )}
    </svg>
  );
}
