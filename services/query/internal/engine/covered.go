package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Covered is the part of a range, Unix ns, of which spans of a tenant can be known: it begins with the first that is there, since what was before was not sent or
// is not kept any more, and ends now. A rate is over that time. Of a part without any, start and end are the same.
func (s *Snapshot) Covered(ctx context.Context, tenant telemetry.Tenant, from, to int64, now time.Time) (start, end int64, err error) {
	var first *int64
	if err := s.tx.QueryRow(ctx, s.engine.statements.first, string(tenant), int16(red.ID)).Scan(&first); err != nil {
		return 0, 0, fmt.Errorf("ask when the first span began: %w", err)
	}
	end = max(min(to, now.UnixNano()), from)
	if first == nil {
		return end, end, nil
	}
	return min(max(from, *first), end), end, nil
}
