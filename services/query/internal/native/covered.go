package native

import (
	"context"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// covered is the part of a query's range that figures are of and rates are over, where the last of it, so long, was looked at; and how long that is.
func (n *API) covered(ctx context.Context, s *engine.Snapshot, q *engine.Query, looked time.Duration) (api.Covered, time.Duration, error) {
	start, end, err := s.Covered(ctx, q.Tenant, telemetry.Traces, q.To-looked.Nanoseconds(), q.To, n.now())
	over := time.Duration(end - start)
	return api.Covered{StartUnixNano: nanos(start), EndUnixNano: nanos(end), Seconds: over.Seconds()}, over, err
}

// figuresBasis is what figures of requests were made of.
func figuresBasis(s *engine.Snapshot) api.FiguresBasis {
	of := s.Stats()
	return api.FiguresBasis{Rollups: of.OfRollups, Segments: of.OfSegments, PercentileError: red.PercentileError}
}
