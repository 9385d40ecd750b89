package janitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// windowsPerPass bounds how many windows one look brings; a look that brings fewer has seen all.
const windowsPerPass = 256

// step is one kind of merge: the segments below a level whose first item lies in one window of time become segments of that level, or settled
// ones, once the window is closed.
type step struct {
	level  int
	window time.Duration
	due    func(segments) string // the statement that finds windows
	args   []any                 // of it, after the window
	old    []int                 // slots that are to be emptied: what is alone in its window leaves them as it is
}

// steps are what is due now. Flushes of a minute are put together once it is closed; what is of an hour that is closed is settled at once. What is
// alone waits for others to come, but not in a slot that is to be emptied.
func (s *Service) steps() []step {
	now, nano := s.now(), func(grace, window time.Duration) int64 { return s.now().Add(-grace).Truncate(window).UnixNano() }
	hour := nano(s.cfg.Merge.HourGrace, time.Hour)
	oldMinutes := slotsOf(segmentrow.LevelFlush, now, time.Minute, gathered, schema.MinuteSlots)
	oldHours := slotsOf(segmentrow.LevelGathered, now, time.Hour, 1, schema.HourSlots)
	old := append(slices.Clone(oldMinutes), oldHours...)
	return []step{
		{
			level: segmentrow.LevelGathered, window: time.Minute, due: func(of segments) string { return of.gather },
			args: []any{nano(s.cfg.Merge.MinuteGrace, time.Minute), hour, oldMinutes}, old: oldMinutes,
		},
		{
			level: segmentrow.LevelSettled, window: time.Hour, due: func(of segments) string { return of.settle },
			args: []any{hour, old, slotsOf(segmentrow.LevelGathered, now, time.Hour, 2, schema.HourSlots)}, old: old,
		},
	}
}

// gathered is how many minutes after it was written a flush that is alone is put by as it is. Until then, others of its minute may come.
const gathered = 3

// slotsOf are the slots of a level in which was written at least so many spans of time ago. The ring being one, what was written a turn or more ago is told
// as later.
func slotsOf(level int, now time.Time, span time.Duration, age, slots int) (out []int) {
	for ; age < slots; age++ {
		out = append(out, segmentrow.SlotOf(level, now.Add(-time.Duration(age)*span)))
	}
	return out
}

// mergeTable is the memory of merges of one signal, used again for all that is due of a tenant, and then given up.
type mergeTable struct {
	table  *segment.Table
	tenant telemetry.Tenant
}

// merged adds up what a pass did for the audit.
type merged struct {
	read, written int
	items, bytes  int64
}

// sums are what was merged, by tenant and the level that was reached.
type sums map[sumKey]*merged

type sumKey struct {
	tenant telemetry.Tenant
	level  int
}

func (s sums) of(tenant telemetry.Tenant, level int) *merged {
	k := sumKey{tenant, level}
	if s[k] == nil {
		s[k] = &merged{}
	}
	return s[k]
}

// merge merges what is due, minutes before hours, oldest first.
func (s *Service) merge(ctx context.Context) error {
	var errs []error
	for _, st := range s.steps() {
		for _, signal := range telemetry.Signals() {
			if err := s.mergeSignal(ctx, signal, st); err != nil {
				errs = append(errs, fmt.Errorf("merge %s to level %d: %w", signal, st.level, err))
			}
			clear(s.tables) // a kilobyte an item, up to merge.max_items, that would wait for the next minute or hour
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
		}
	}
	return errors.Join(errs...)
}

// windows lists where there is something to merge, behind a window.
func (s *Service) windows(ctx context.Context, signal telemetry.Signal, st step, behind window) ([]window, error) {
	args := append([]any{st.window.Nanoseconds()}, st.args...)
	rows, err := s.pool.Query(ctx, st.due(s.sql.of[signal]), append(args, windowsPerPass, behind.Start, behind.Placement)...)
	if err != nil {
		return nil, postgres.Classify(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[window])
	return found, postgres.Classify(err)
}

type window struct {
	Placement telemetry.Placement
	Start     int64
}

func (s *Service) mergeSignal(ctx context.Context, signal telemetry.Signal, st step) error {
	sums := sums{}
	defer s.report(ctx, signal, sums)
	var errs []error
	last := window{Start: math.MinInt64}
	for {
		found, err := s.windows(ctx, signal, st, last)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, w := range found {
			// One window's trouble (a concurrent deletion, a damaged segment) must not keep the others waiting.
			if err := s.mergeWindow(ctx, signal, st, w, sums); err != nil {
				errs = append(errs, err)
			}
			if ctx.Err() != nil {
				return errors.Join(errs...)
			}
		}
		if len(found) < windowsPerPass {
			return errors.Join(errs...)
		}
		last = found[len(found)-1] // what could not be done is not looked at again in this pass
	}
}

// member is a segment to merge.
type member struct {
	ID      uuid.UUID
	MinTime int64
	Items   int
	Slot    int
	Bytes   int64 // as stored, compressed
	Decoded int64 // as its directory says; 0 where that cannot be read, so that nobody will decode it
}

// members lists what is to be merged in a window. Of directories, some kB each of what may be thousands, it keeps what they say of memory.
func (s *Service) members(ctx context.Context, signal telemetry.Signal, level int, at telemetry.Placement, from, to int64) (out []member, err error) {
	rows, err := s.pool.Query(ctx, s.sql.of[signal].members, at.Tenant(), from, to, level, at)
	if err != nil {
		return nil, postgres.Classify(err)
	}
	var m member
	var directory pgtype.DriverBytes // valid until the next row
	_, err = pgx.ForEachRow(rows, []any{&m.ID, &m.MinTime, &m.Items, &m.Slot, &m.Bytes, &directory}, func() error {
		m.Bytes += int64(len(directory))
		m.Decoded = 0
		if d, err := segment.ParseDirectory(directory); err == nil {
			m.Decoded = d.Decoded(segment.WantAll())
		}
		out = append(out, m)
		return nil
	})
	return out, postgres.Classify(err)
}

func (s *Service) mergeWindow(ctx context.Context, signal telemetry.Signal, st step, w window, sums sums) error {
	members, err := s.members(ctx, signal, st.level, w.Placement, w.Start, w.Start+st.window.Nanoseconds())
	if err != nil {
		return err
	}
	var runs [][]member
	sound := make([]member, 0, len(members))
	for _, m := range members {
		if s.asItIs(m) {
			runs = append(runs, []member{m})
		} else {
			sound = append(sound, m)
		}
	}
	for _, run := range append(runs, groups(sound, bound{s.cfg.Merge.MaxItems, maxGroupBytes, maxGroupDecoded})...) {
		started := s.env.Now()
		switch {
		case len(run) > 1:
			err = s.mergeGroup(ctx, signal, st.level, w.Placement, run, sums)
		case slices.Contains(st.old, run[0].Slot):
			err = s.move(ctx, signal, st.level, w.Placement, run[0], sums)
		default:
			continue
		}
		if err != nil {
			return err
		}
		s.metrics.Duration.Record(ctx, s.env.Now().Sub(started).Seconds())
		s.rest(ctx, started)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// asItIs reports whether a segment is not to be decoded: it cannot be, or takes more memory alone than a group may.
func (s *Service) asItIs(m member) bool {
	_, damaged := s.damaged[m.ID]
	return damaged || m.Decoded > maxGroupDecoded
}

// Merge.MaxItems bounds the memory of a merge for items of ordinary size, about 100 bytes each as stored, so that an ordinary group is a few MB. These
// are for items of many kilobytes: maxGroupBytes bounds what is read, and maxGroupDecoded what it is once it is decoded, which for values that repeat
// themselves is thousands of times as much. It is held beside what is encoded anew.
const (
	maxGroupBytes   = 32 << 20
	maxGroupDecoded = 256 << 20
)

// bound is how much one group may hold.
type bound struct {
	items          int
	bytes, decoded int64
}

// groups cuts members, in their order, into runs of at most so much each. A run of one has nothing to merge with.
func groups(members []member, most bound) [][]member {
	var out [][]member
	var sum bound
	from := 0
	for i, m := range members {
		if i > from && (sum.items+m.Items > most.items || sum.bytes+m.Bytes > most.bytes || sum.decoded+m.Decoded > most.decoded) {
			out = append(out, members[from:i])
			from, sum = i, bound{}
		}
		sum = bound{sum.items + m.Items, sum.bytes + m.Bytes, sum.decoded + m.Decoded}
	}
	if len(members) > from {
		out = append(out, members[from:])
	}
	return out
}

// rest leaves the machine to others for its part of the time that something took which began at a time.
func (s *Service) rest(ctx context.Context, started time.Time) {
	took := s.env.Now().Sub(started)
	pause(ctx, time.Duration(float64(took)*(1-s.cfg.Merge.Duty)/s.cfg.Merge.Duty))
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
func (s *Service) mergeGroup(ctx context.Context, signal telemetry.Signal, level int, at telemetry.Placement, group []member, sums sums) error {
	made, err := s.rewrite(ctx, signal, level, at, group)
	if err != nil || len(made.segments) == 0 {
		return err
	}
	rows, of := rowsOf(made.segments, made.apart, at, s.now())
	return s.replace(ctx, signal, at, replacement{read: made.read, rows: rows, group: of, counted: made.counted, level: rows[0].Level}, sums)
}

// rowsOf makes rows of merged segments. The filters of several settled ones are in a group: looking for a value then reads a few chunks for all of
// them instead of one for each. Those of outliers stay out of it: they are of many more traces, and all filters of a group are as large as the
// fullest needs.
func rowsOf(merged, apart []*segment.Segment, at telemetry.Placement, now time.Time) (rows []segmentrow.Row, group *segmentrow.Group) {
	rows = make([]segmentrow.Row, 0, len(merged)+len(apart))
	for _, seg := range merged {
		rows = append(rows, segmentrow.New(seg, at, now))
	}
	if len(rows) > 1 && rows[0].Level == segmentrow.LevelSettled {
		group = segmentrow.NewGroup(rows)
	}
	for _, seg := range apart {
		rows = append(rows, segmentrow.New(seg, at, now))
	}
	return rows, group
}

// replacement is what comes in place of some segments.
type replacement struct {
	read    []member
	rows    []segmentrow.Row
	group   *segmentrow.Group // nil for none
	counted []rollup.Row      // of what leaves level 0, or is settled
	level   int               // that is reached
}

// replace deletes the headers of what was read and stores what comes in its place, with the rollups of what leaves level 0, in one transaction. The
// bodies of what was read stay until their slots are emptied: who began to read before goes on to find them.
func (s *Service) replace(ctx context.Context, signal telemetry.Signal, at telemetry.Placement, with replacement, sums sums) error {
	read, rows, group, level := with.read, with.rows, with.group, with.level
	from, to := bounds(read)
	// By themselves: the locks of making a partition must not last as long as a merge.
	if rows[0].Slot == schema.Settled {
		if _, err := s.pool.Exec(ctx, s.sql.of[signal].ensure, from); err != nil {
			return fmt.Errorf("partitions of settled segments: %w", postgres.Classify(err))
		}
	}
	if len(with.counted) > 0 {
		if _, err := s.pool.Exec(ctx, s.sql.ensureRollups, with.counted[0].Start); err != nil {
			return fmt.Errorf("partition of rollups: %w", postgres.Classify(err))
		}
	}
	err := postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		if err := s.changeTraces(ctx, tx, signal, at, rows); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, s.sql.of[signal].remove, at.Tenant(), from, to, ids(read), at)
		if err != nil {
			return fmt.Errorf("delete merged segments: %w", err)
		}
		if tag.RowsAffected() != int64(len(read)) {
			return errGone
		}
		if err := rolluprow.Copy(ctx, tx, with.counted); err != nil {
			return err
		}
		return segmentrow.Copy(ctx, tx, signal, rows, group)
	})
	for _, m := range read { // whatever err says: a commit of which no answer came may have been done
		delete(s.idle, slot{signal, m.Slot})
	}
	if errors.Is(err, errGone) {
		s.env.Log.LogAttrs(ctx, slog.LevelInfo, "segments have gone before they were merged", slog.String("placement", string(at)), slog.String("signal", signal.String()))
		return nil
	}
	if err != nil {
		return err
	}
	sum := sums.of(at.Tenant(), level)
	sum.read += len(read)
	sum.written += len(rows)
	for i := range rows {
		sum.items += int64(rows[i].Items)
		sum.bytes += int64(len(rows[i].Body) + len(rows[i].Directory) + len(rows[i].TraceFilter) + len(rows[i].TokenFilter))
	}
	if group != nil {
		sum.bytes += int64(len(group.TraceFilter) + len(group.TokenFilter))
	}
	s.metrics.Merges.Add(ctx, 1, attributes(signal, level))
	return nil
}

// move puts a segment that is alone, or is not to be decoded, into where those of a level are, as it is: it must not keep its slot from being emptied.
// Its id is another then, because a header that is remembered says where the body is. It is counted as one that is merged; where that cannot be done it goes to
// the settled bodies and stays at its level, so that who counts meets it, and tells.
func (s *Service) move(ctx context.Context, signal telemetry.Signal, level int, at telemetry.Placement, m member, sums sums) error {
	t := s.table(signal, at.Tenant())
	defer t.Reset()
	with := replacement{read: []member{m}, level: level}
	err := s.each(ctx, signal, at, with.read, func(r *segmentrow.Row) (err error) {
		moved := segmentrow.New(&r.Segment, at, s.now())
		moved.Level, moved.Slot = level, segmentrow.SlotOf(level, s.now())
		bad := s.asItIs(m) || (r.Level == segmentrow.LevelFlush || level == segmentrow.LevelSettled) && !s.take(ctx, t, r)
		var values []rollup.Row
		if level == segmentrow.LevelSettled && !bad {
			values, err = s.settled(signal, at, &r.Segment)
			if bad = segment.ErrDamaged.Matches(err); err != nil && !bad { // in what only counting reads
				return err
			}
		}
		if bad {
			if m.Decoded > maxGroupDecoded {
				s.env.Log.LogAttrs(ctx, slog.LevelInfo, "segment stays as it was flushed: it takes too much memory to merge it", slog.String("tenant", string(t.Tenant)),
					slog.String("signal", signal.String()), slog.String("segment", m.ID.String()), slog.Int64("bytes", m.Decoded))
			}
			s.damaged[moved.ID] = struct{}{}
			moved.Level, moved.Slot = r.Level, schema.Settled
			with.rows = append(with.rows, moved)
			return nil
		}
		if r.Level == segmentrow.LevelFlush {
			if with.counted, err = s.count(t, at, allRows(t)); err != nil {
				return err
			}
		}
		with.counted = append(with.counted, values...)
		with.rows = append(with.rows, moved)
		return nil
	})
	if err != nil || len(with.rows) == 0 {
		return err
	}
	return s.replace(ctx, signal, at, with, sums)
}

// allRows are the numbers of a table's rows.
func allRows(t *segment.Table) []uint32 { return appendRows(make([]uint32, 0, t.N), 0, t.N) }

// appendRows appends the numbers from one to before another.
func appendRows(list []uint32, from, to int) []uint32 {
	for ; from < to; from++ {
		list = append(list, uint32(from)) //nolint:gosec // Merge.MaxItems
	}
	return list
}

// each reads members whole.
func (s *Service) each(ctx context.Context, signal telemetry.Signal, at telemetry.Placement, group []member, f func(*segmentrow.Row) error) error {
	from, to := bounds(group)
	rows, err := s.pool.Query(ctx, s.sql.of[signal].read, at.Tenant(), from, to, ids(group), at)
	if err != nil {
		return postgres.Classify(err)
	}
	if err := s.sql.whole.ForEach(rows, f); err != nil {
		return fmt.Errorf("read segments: %w", postgres.Classify(err))
	}
	return nil
}

// errGone: fewer segments were deleted than were read.
var errGone = errReplaced.New("segments have gone before they were merged")

// settledFrom is from how many full segments on a merge of a minute settles what it makes: their filters make a group worth having, and the merge of the
// hour, which would write them once more, has only the others to do.
const settledFrom = 8

// table is the memory of merges of a signal, for one tenant.
func (s *Service) table(signal telemetry.Signal, tenant telemetry.Tenant) *segment.Table {
	m := s.tables[signal]
	if m == nil || m.tenant != tenant {
		m = &mergeTable{table: segment.NewTable(tenant, signal), tenant: tenant}
		s.tables[signal] = m
	}
	return m.table
}

// take appends a segment to a table; where it is damaged, or of a format of a newer build, that is noted and the table as before.
func (s *Service) take(ctx context.Context, t *segment.Table, r *segmentrow.Row) (sound bool) {
	err := add(t, &r.Segment)
	if err != nil {
		id := uuid.UUID(r.ID)
		s.damaged[id] = struct{}{}
		s.metrics.Damaged.Add(ctx, 1, metric.WithAttributes(attribute.String("signal", t.Signal.String())))
		s.env.Log.LogAttrs(ctx, slog.LevelError, "a segment cannot be read and is left as it is",
			slog.String("tenant", string(t.Tenant)), slog.String("signal", t.Signal.String()), slog.String("segment", id.String()), slog.Any("error", err))
	}
	return err == nil
}

// rewritten is what a merge has made.
type rewritten struct {
	segments []*segment.Segment
	apart    []*segment.Segment // of settled spans: the outliers
	read     []member           // that are in them
	counted  []rollup.Row       // of those that were of level 0, and of what is settled
}

// rewrite reads a group and encodes its items again. It returns the new segments and the members that are in them: without those that
// are damaged, of a format of a newer build, or gone. Nothing is returned when no two are left.
func (s *Service) rewrite(ctx context.Context, signal telemetry.Signal, level int, at telemetry.Placement, group []member) (made rewritten, err error) {
	t := s.table(signal, at.Tenant())
	defer t.Reset()

	byID := make(map[uuid.UUID]member, len(group))
	for _, g := range group {
		byID[g.ID] = g
	}
	var read []member
	var fresh []uint32 // rows of level 0
	err = s.each(ctx, signal, at, group, func(r *segmentrow.Row) error {
		before := t.N
		if !s.take(ctx, t, r) {
			return nil
		}
		if r.Level == segmentrow.LevelFlush {
			fresh = appendRows(fresh, before, t.N)
		}
		read = append(read, byID[r.ID])
		return nil
	})
	if err != nil || len(read) < 2 {
		return rewritten{}, err
	}
	items := 0
	for _, r := range read {
		items += r.Items
	}
	made.read = read
	written := 0
	cuts, apart := t.Slices(segment.MaxItems), [][]uint32(nil)
	if len(cuts) >= settledFrom && items >= len(cuts)*segment.MaxItems*3/4 {
		level = segmentrow.LevelSettled // a later merge could not make them fuller
	}
	if level == segmentrow.LevelSettled {
		cuts, apart = t.SlicesApart(segment.MaxItems)
	}
	if made.segments, err = encoded(t, cuts, level); err != nil {
		return rewritten{}, err
	}
	if made.apart, err = encoded(t, apart, level); err != nil {
		return rewritten{}, err
	}
	for _, seg := range slices.Concat(made.segments, made.apart) {
		written += seg.Items
	}
	if written != items {
		return rewritten{}, errCount.Newf("%d items were read and %d encoded", items, written)
	}
	if made.counted, err = s.count(t, at, fresh); err != nil || level != segmentrow.LevelSettled {
		return made, err
	}
	values, err := s.settled(signal, at, slices.Concat(made.segments, made.apart)...)
	made.counted = append(made.counted, values...)
	return made, err
}

func encoded(t *segment.Table, cuts [][]uint32, level int) (out []*segment.Segment, err error) {
	for _, rows := range cuts {
		if out, err = t.AppendEncoded(out, rows, level); err != nil {
			return nil, fmt.Errorf("encode: %w", err)
		}
	}
	return out, nil
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
func (s *Service) report(ctx context.Context, signal telemetry.Signal, sums sums) {
	for k, m := range sums {
		s.metrics.Read.Add(ctx, int64(m.read), attributes(signal, k.level))
		s.metrics.Written.Add(ctx, int64(m.written), attributes(signal, k.level))
		s.metrics.Items.Add(ctx, m.items, attributes(signal, k.level))
		s.env.Log.LogAttrs(ctx, slog.LevelInfo, "segments merged", slog.String("tenant", string(k.tenant)), slog.String("signal", signal.String()),
			slog.Int("level", k.level), slog.Int("read", m.read), slog.Int("written", m.written), slog.Int64("items", m.items))
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		err := postgres.InTx(ending, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
			return s.audit(ending, tx, entry{
				action: "merge", tenant: string(k.tenant), signal: signal.String(), target: segmentTable(signal), items: m.items, bytes: m.bytes,
				details: map[string]any{"level": k.level, "read": m.read, "written": m.written},
			})
		})
		cancel()
		if err != nil {
			s.env.Log.LogAttrs(ctx, slog.LevelWarn, "the audit of merges was not written", slog.Any("error", err))
		}
	}
}
