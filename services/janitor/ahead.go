package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/postgres"
)

// behind is from how long before now on partitions are made, for what comes a little late. None of them has expired, however little is kept: what is
// dropped here would be made again by the next upkeep.
const behind = time.Hour

// ahead makes the partitions from the hour before now on, nearest first. Each day is a transaction of its own: making partitions holds a
// lock for which writers wait that need one at this moment.
func (s *Service) ahead(ctx context.Context) error {
	from := s.now().Add(-behind)
	end := s.now().Add(s.cfg.Partitions.Ahead)
	hours, unread := s.hoursAhead(ctx)
	made := 0
	for day := from; !day.After(end); day = nextDay(day) {
		last := nextDay(day).Add(-time.Nanosecond)
		if last.After(end) {
			last = end
		}
		var n int
		if err := s.pool.QueryRow(ctx, s.sql.ensurePartitions, day.UnixNano(), last.UnixNano(), hours).Scan(&n); err != nil {
			return errors.Join(unread, fmt.Errorf("make the partitions of %s: %w", day.UTC().Format(time.DateOnly), postgres.Classify(err)))
		}
		made += n
	}
	if made > 0 {
		s.metrics.Partitions.Add(ctx, int64(made), metric.WithAttributes(attribute.String("action", "made")))
		s.env.Log.LogAttrs(ctx, slog.LevelInfo, "partitions made ahead", slog.Int("partitions", made), slog.Time("until", end))
	}
	return unread
}

// hoursAhead is until when hour leaves of the row tables are made, Unix ns. None are where nobody keeps rows: an empty one takes a page for each of its
// indexes and some 50 rows of the catalogue. A writer that is asked for rows meanwhile makes the one that it needs.
// Where policies cannot be read, somebody may keep rows: then hours come with the error.
func (s *Service) hoursAhead(ctx context.Context) (int64, error) {
	until := s.now().Add(s.cfg.Partitions.HoursAhead).UnixNano()
	policies, err := s.policies(ctx)
	if err != nil {
		return until, fmt.Errorf("read the policies: %w", err)
	}
	for _, p := range policies {
		if p.rows > 0 {
			return until, nil
		}
	}
	return 0, nil
}

func nextDay(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour) }
