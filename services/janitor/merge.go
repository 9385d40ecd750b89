package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// windowsPerPass bounds how many windows one look brings; a look that brings fewer has seen all.
const windowsPerPass = 256

// step is one kind of merge: the segments below a level whose first item lies in one window of time become segments of that level, once
// the window is closed.
type step struct {
	level  int
	window time.Duration
	grace  time.Duration
}

// mergeTable is the memory of merges of one signal, used again.
type mergeTable struct {
	table  *segment.Table
	tenant telemetry.Tenant
}

// merged adds up what a pass did for the audit.
type merged struct {
	tenant        telemetry.Tenant
	signal        telemetry.Signal
	level         int
	read, written int
	items, bytes  int64
}

// merge merges what is due, minutes before hours, oldest first.
func (s *Service) merge(ctx context.Context) error {
	steps := []step{
		{level: 1, window: time.Minute, grace: s.cfg.Merge.MinuteGrace},
		{level: 2, window: time.Hour, grace: s.cfg.Merge.HourGrace},
	}
	var errs []error
	for _, st := range steps {
		for _, signal := range telemetry.Signals() {
			if err := s.mergeSignal(ctx, signal, st); err != nil {
				errs = append(errs, fmt.Errorf("merge %s to level %d: %w", signal, st.level, err))
			}
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
		}
	}
	return errors.Join(errs...)
}

// windows lists where there is something to merge.
func (s *Service) windows(ctx context.Context, signal telemetry.Signal, st step) ([]window, error) {
	closed := s.now().Add(-st.grace).Truncate(st.window).UnixNano()
	rows, err := s.pool.Query(ctx, s.sql.of[signal].candidates, st.window.Nanoseconds(), closed, st.level, windowsPerPass)
	if err != nil {
		return nil, postgres.Classify(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[window])
	return found, postgres.Classify(err)
}

type window struct {
	Tenant telemetry.Tenant
	Start  int64
}

func (s *Service) mergeSignal(ctx context.Context, signal telemetry.Signal, st step) error {
	sums := map[telemetry.Tenant]*merged{}
	defer s.report(ctx, sums)
	var errs []error
	for {
		found, err := s.windows(ctx, signal, st)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		progress := false
		for _, w := range found {
			sum := sums[w.Tenant]
			if sum == nil {
				sum = &merged{tenant: w.Tenant, signal: signal, level: st.level}
				sums[w.Tenant] = sum
			}
			before := sum.read
			// One window's trouble (a concurrent deletion, a damaged segment) must not keep the others waiting.
			if err := s.mergeWindow(ctx, signal, st, w, sum); err != nil {
				errs = append(errs, err)
			}
			progress = progress || sum.read > before
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
		}
		if len(found) < windowsPerPass || !progress {
			return errors.Join(errs...)
		}
	}
}

// member is a segment to merge.
type member struct {
	ID      uuid.UUID
	MinTime int64
	Items   int
	Bytes   int64 // as stored, compressed
}

func (s *Service) mergeWindow(ctx context.Context, signal telemetry.Signal, st step, w window, sum *merged) error {
	rows, err := s.pool.Query(ctx, s.sql.of[signal].members, w.Tenant, w.Start, w.Start+st.window.Nanoseconds(), st.level)
	if err != nil {
		return postgres.Classify(err)
	}
	members, err := pgx.CollectRows(rows, pgx.RowToStructByPos[member])
	if err != nil {
		return postgres.Classify(err)
	}
	sound := members[:0]
	for _, m := range members {
		if _, bad := s.damaged[m.ID]; !bad {
			sound = append(sound, m)
		}
	}
	for _, group := range groups(sound, s.cfg.Merge.MaxItems, maxGroupBytes) {
		started := s.env.Now()
		if err := s.mergeGroup(ctx, signal, st.level, w.Tenant, group, sum); err != nil {
			return err
		}
		took := s.env.Now().Sub(started)
		s.metrics.Duration.Record(ctx, took.Seconds())
		pause(ctx, time.Duration(float64(took)*(1-s.cfg.Merge.Duty)/s.cfg.Merge.Duty))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// maxGroupBytes bounds what is read for one merge, compressed. Merge.MaxItems bounds memory for items of ordinary size, about 100 bytes
// each as stored, so that an ordinary group is a few MB; this one is for items of many kilobytes. They are held decoded, 5 to 10 times as
// large, beside what is encoded anew: some hundred MB at worst.
const maxGroupBytes = 32 << 20

// groups cuts members, in their order, into runs of at most maxItems items and maxBytes bytes. A run of one has nothing to merge with and
// is left out.
func groups(members []member, maxItems int, maxBytes int64) [][]member {
	var out [][]member
	from, items, size := 0, 0, int64(0)
	for i, m := range members {
		if (items+m.Items > maxItems || size+m.Bytes > maxBytes) && i > from {
			if i-from > 1 {
				out = append(out, members[from:i])
			}
			from, items, size = i, 0, 0
		}
		items += m.Items
		size += m.Bytes
	}
	if len(members)-from > 1 {
		out = append(out, members[from:])
	}
	return out
}

// pause leaves the machine to others for a while.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// mergeGroup replaces a group of segments by merged ones in one transaction: a reader's snapshot has the old ones or the new ones. A
// group of which a segment has gone meanwhile (deleted, or merged by a janitor that believes it leads) is left for the next pass.
func (s *Service) mergeGroup(ctx context.Context, signal telemetry.Signal, level int, tenant telemetry.Tenant, group []member, sum *merged) error {
	segments, read, err := s.rewrite(ctx, signal, level, tenant, group)
	if err != nil || len(segments) == 0 {
		return err
	}
	from, to := bounds(read)
	size := int64(0) // before a group takes filters out
	for _, seg := range segments {
		size += int64(len(seg.Body) + len(seg.Directory) + len(seg.TraceFilter) + len(seg.TokenFilter))
	}
	if level == 2 && len(segments) > 1 {
		// By itself: the locks of making a partition must not last as long as a merge.
		if _, err := s.pool.Exec(ctx, s.sql.ensurePartition, groupTable(signal), from); err != nil {
			return fmt.Errorf("partition of groups: %w", postgres.Classify(err))
		}
	}
	err = postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, s.sql.of[signal].remove, tenant, from, to, ids(read))
		if err != nil {
			return fmt.Errorf("delete merged segments: %w", err)
		}
		if tag.RowsAffected() != int64(len(read)) {
			return errGone
		}
		return insert(ctx, tx, signal, segments)
	})
	if errors.Is(err, errGone) {
		s.env.Log.LogAttrs(ctx, slog.LevelInfo, "segments have gone before they were merged", slog.String("tenant", string(tenant)), slog.String("signal", signal.String()))
		return nil
	}
	if err != nil {
		return err
	}
	sum.read += len(read)
	sum.written += len(segments)
	for _, seg := range segments {
		sum.items += int64(seg.Items)
	}
	sum.bytes += size
	s.metrics.Merges.Add(ctx, 1, attributes(signal, level))
	return nil
}

// errGone: fewer segments were deleted than were read.
var errGone = errReplaced.New("segments have gone before they were merged")

// rewrite reads a group and encodes its items again. It returns the new segments and the members that are in them: without those that
// are damaged, of a format of a newer build, or gone. Nothing is returned when no two are left.
func (s *Service) rewrite(ctx context.Context, signal telemetry.Signal, level int, tenant telemetry.Tenant, group []member) ([]*segment.Segment, []member, error) {
	m := s.tables[signal]
	if m == nil || m.tenant != tenant {
		m = &mergeTable{table: segment.NewTable(tenant, signal), tenant: tenant}
		s.tables[signal] = m
	}
	t := m.table
	defer t.Reset()

	from, to := bounds(group)
	rows, err := s.pool.Query(ctx, s.sql.of[signal].read, tenant, from, to, ids(group))
	if err != nil {
		return nil, nil, postgres.Classify(err)
	}
	byID := make(map[uuid.UUID]member, len(group))
	for _, g := range group {
		byID[g.ID] = g
	}
	var read []member
	err = s.sql.whole.ForEach(rows, func(r *segmentrow.Row) error {
		if err := add(t, &r.Segment); err != nil {
			id := uuid.UUID(r.ID)
			s.damaged[id] = struct{}{}
			s.metrics.Damaged.Add(ctx, 1, metric.WithAttributes(attribute.String("signal", signal.String())))
			s.env.Log.LogAttrs(ctx, slog.LevelError, "a segment cannot be read and is left as it is",
				slog.String("tenant", string(tenant)), slog.String("signal", signal.String()), slog.String("segment", id.String()), slog.Any("error", err))
			return nil
		}
		read = append(read, byID[r.ID])
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read segments: %w", postgres.Classify(err))
	}
	if len(read) < 2 {
		return nil, nil, nil
	}
	items := 0
	for _, r := range read {
		items += r.Items
	}
	var segments []*segment.Segment
	written := 0
	for _, slice := range t.Slices(segment.MaxItems) {
		if segments, err = t.AppendEncoded(segments, slice, level); err != nil {
			return nil, nil, fmt.Errorf("encode: %w", err)
		}
	}
	for _, seg := range segments {
		written += seg.Items
	}
	if written != items {
		return nil, nil, errCount.Newf("%d items were read and %d encoded", items, written)
	}
	return segments, read, nil
}

// add checks a segment and appends its items to t; on an error t is as before.
func add(t *segment.Table, seg *segment.Segment) error {
	if seg.Format > segment.FormatVersion {
		return segment.ErrFormat.Newf("format %d is newer than this build's %d", seg.Format, segment.FormatVersion)
	}
	if err := seg.Verify(); err != nil {
		return err
	}
	d, err := segment.ParseDirectory(seg.Directory)
	if err != nil {
		return err
	}
	if d.Items() != seg.Items {
		return segment.ErrDamaged.Newf("the header counts %d items, the directory %d", seg.Items, d.Items())
	}
	return t.AppendSegment(d, []segment.Part{{Bytes: seg.Body}}, segment.WantAll())
}

// insert copies segments into their table, and the filters of several merged ones of an hour into a group: looking for a value then
// reads a few chunks for all of them instead of one for each.
func insert(ctx context.Context, tx pgx.Tx, signal telemetry.Signal, segments []*segment.Segment) error {
	rows := make([]segmentrow.Row, len(segments))
	for i, s := range segments {
		rows[i] = segmentrow.New(s)
	}
	var group *segmentrow.Group
	if len(rows) > 1 && rows[0].Level == 2 {
		group = segmentrow.NewGroup(rows)
	}
	return segmentrow.Copy(ctx, tx, signal, rows, group)
}

// bounds are the first and last min_time of a group, which is in order.
func bounds(group []member) (from, to int64) { return group[0].MinTime, group[len(group)-1].MinTime }

func ids(group []member) []uuid.UUID {
	out := make([]uuid.UUID, len(group))
	for i, g := range group {
		out[i] = g.ID
	}
	return out
}

func attributes(signal telemetry.Signal, level int) metric.MeasurementOption {
	return metric.WithAttributes(attribute.String("signal", signal.String()), attribute.Int("level", level))
}

// report puts what a pass merged on record: one line of the audit for each tenant, not one for each of thousands of merges.
func (s *Service) report(ctx context.Context, sums map[telemetry.Tenant]*merged) {
	for _, m := range sums {
		if m.read == 0 {
			continue
		}
		s.metrics.Read.Add(ctx, int64(m.read), attributes(m.signal, m.level))
		s.metrics.Written.Add(ctx, int64(m.written), attributes(m.signal, m.level))
		s.metrics.Items.Add(ctx, m.items, attributes(m.signal, m.level))
		s.env.Log.LogAttrs(ctx, slog.LevelInfo, "segments merged", slog.String("tenant", string(m.tenant)), slog.String("signal", m.signal.String()),
			slog.Int("level", m.level), slog.Int("read", m.read), slog.Int("written", m.written), slog.Int64("items", m.items))
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		err := postgres.InTx(ending, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
			return s.audit(ending, tx, entry{
				action: "merge", tenant: string(m.tenant), signal: m.signal.String(), target: segmentTable(m.signal), items: m.items, bytes: m.bytes,
				details: map[string]any{"level": m.level, "read": m.read, "written": m.written},
			})
		})
		cancel()
		if err != nil {
			s.env.Log.LogAttrs(ctx, slog.LevelWarn, "the audit of merges was not written", slog.Any("error", err))
		}
	}
}
