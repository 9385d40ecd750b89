package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/rollup/series"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Covered is the part of a range, Unix ns, of which items of a signal can be known of a tenant: it begins with the first that is there, since what was before was
// not sent or is not kept any more, and ends now. A rate is over that time. Of a part without any, start and end are the same.
func (s *Snapshot) Covered(ctx context.Context, tenant telemetry.Tenant, signal telemetry.Signal, from, to int64, now time.Time) (start, end int64, err error) {
	var first *int64
	if err := s.tx.QueryRow(ctx, s.engine.statements.first[signal], string(tenant), wholeOf(signal).kind).Scan(&first); err != nil {
		return 0, 0, fmt.Errorf("ask when the first item began: %w", err)
	}
	end = max(min(to, now.UnixNano()), from)
	if first == nil {
		return end, end, nil
	}
	return min(max(from, *first), end), end, nil
}

// whole is a kind of rollup in which every item of a signal is, but those of segments that are in no rollup of the kind yet.
type whole struct {
	kind int16
	rest Stage
}

func wholeOf(signal telemetry.Signal) whole {
	switch signal {
	case telemetry.Traces:
		return whole{red.ID, Fresh}
	case telemetry.Metrics:
		return whole{series.ID, unsettled}
	case telemetry.Logs:
	}
	kind, _ := counts.KindOf(telemetry.Logs)
	return whole{kind, unsettled}
}
