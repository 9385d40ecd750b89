package bench

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// What the scan bench looks for, beside what the shop has anyway.
const (
	rareKey, rareValue = "app.coupon", "autumn-77" // on rareSpans spans of all
	rareSpans          = 18
	slowService        = "checkout" // has slowSpans failed spans that took long
	slowSpans          = 10
	slowBy             = 150 * time.Millisecond
	slowFrom           = 100 * time.Millisecond // what the query asks for
	rareWord           = "zeppelin"             // in the bodies of rareRecords records of all
	rarePart           = "eppeli"               // of the same ones: no filter of words helps to find it
	rareExpression     = ` by z[a-z]+n again$`  // of the same ones
	rareRecords        = 20
	sampledTraces      = 10
)

// hours is how long the data is, whatever its amount.
const hours = 12

// filled is what the database was filled with.
type filled struct {
	from, to  time.Time // of whole hours, and holding everything
	spans     int
	logs      int
	bodyBytes int64
	traces    []sampledTrace
}

// sampledTrace is a trace to look up.
type sampledTrace struct {
	id string // hex
	at time.Time
}

// fill sends spans and logs of the twelve hours before end through the bus and a writer, and lets a janitor merge them as it would have by
// then. r is whose writer and janitor, nil for this build's.
func (m *machine) fill(ctx context.Context, o scanOptions, r *revision, url string, end time.Time) (*filled, error) {
	if err := m.renewQueue(ctx, ""); err != nil {
		return nil, err
	}
	if err := m.bus.EnsureStreams(ctx); err != nil {
		return nil, err
	}
	w, err := m.startWriterOf(ctx, r.program(), url)
	if err != nil {
		return nil, err
	}
	f, err := m.send(ctx, o, end)
	w.stop()
	if err != nil {
		return nil, err
	}
	if err := m.janitor(ctx, r, url); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	tables := map[string]int{schema.SpansSegment: f.spans, schema.LogsSegment: f.logs}
	if o.rows {
		tables[schema.SpansFact], tables[schema.LogsFact] = f.spans, f.logs
		// As an operator who searches rows by attribute would have it, on hours that are over.
		if err := indexAttributes(ctx, conn); err != nil {
			return nil, err
		}
	}
	for table, want := range tables {
		count := "count(*)"
		if table == schema.SpansSegment || table == schema.LogsSegment {
			count = "coalesce(sum(items), 0)"
		}
		var have int
		if err := conn.QueryRow(ctx, "SELECT "+count+" FROM "+table).Scan(&have); err != nil {
			return nil, err
		}
		if have != want {
			return nil, fmt.Errorf("%s holds %d items of %d", table, have, want)
		}
		// What autovacuum would have done: dead tuples away, statistics, the summaries of BRIN.
		if _, err := conn.Exec(ctx, "VACUUM (ANALYZE) "+table); err != nil {
			return nil, err
		}
	}
	if r == nil { // another build's may be elsewhere
		for _, table := range []string{schema.SpansBody, schema.LogsBody} {
			if _, err := conn.Exec(ctx, "VACUUM (ANALYZE) "+table); err != nil {
				return nil, err
			}
		}
	}
	return f, nil
}

// send publishes everything and waits until it is committed.
func (m *machine) send(ctx context.Context, o scanOptions, end time.Time) (*filled, error) {
	f := &filled{from: end.Add(-hours * time.Hour), to: end.Add(time.Hour)}
	const probe = 20_000
	small := testbed.NewShop(1, f.from).Every(time.Second)
	small.Traces(probe)
	traces := small.Now().Sub(f.from).Seconds() * float64(o.spans) / probe
	shop := testbed.NewShop(1, f.from).Every(time.Duration(hours * float64(time.Hour) / max(traces, 1)))
	p := planted{options: o, filled: f}
	for f.spans < o.spans {
		n := min(o.request, o.spans-f.spans)
		td := shop.Traces(n)
		p.spans(td)
		f.spans += n
		spans, logs := &requests{signal: telemetry.Traces}, &requests{signal: telemetry.Logs}
		spans.add(testbed.TracesPayload(td), n)
		if more := int(float64(o.logs)*float64(f.spans)/float64(o.spans)) - f.logs; more > 0 {
			ld := shop.Logs(more)
			p.logs(ld)
			f.logs += more
			logs.add(testbed.LogsPayload(ld), more)
		}
		for _, r := range []*requests{spans, logs} {
			if err := m.publish(ctx, r.batches); err != nil {
				return nil, err
			}
			if err := m.backlog(ctx, r.signal, largestBacklog); err != nil {
				return nil, err
			}
		}
	}
	if p.rare != rareSpans || p.slow != slowSpans || p.words != min(rareRecords, f.logs) {
		return nil, fmt.Errorf("too little data for what is to be found in it: %d, %d and %d planted", p.rare, p.slow, p.words)
	}
	return f, errors.Join(m.settled(ctx, telemetry.Traces), m.settled(ctx, telemetry.Logs))
}

// largestBacklog is how many messages may wait in a queue while it is filled: enough to keep the writer busy.
const largestBacklog = 200

// planted puts what the queries look for evenly over the data.
type planted struct {
	options           scanOptions
	filled            *filled
	rare, slow, words int
	maps              bool // one body of eight is a map
}

// due says whether the next of some things, to be spread evenly over a total, is to be placed by now.
func due(done, of, position, total int) bool {
	return done < of && 2*int64(position)*int64(of) >= (int64(done)*2+1)*int64(total)
}

func (p *planted) spans(td ptrace.Traces) {
	rare := due(p.rare, rareSpans, p.filled.spans+p.options.request, p.options.spans)
	slow := due(p.slow, slowSpans, p.filled.spans+p.options.request, p.options.spans)
	for _, rs := range td.ResourceSpans().All() {
		name, _ := rs.Resource().Attributes().Get("service.name")
		for _, span := range rs.ScopeSpans().At(0).Spans().All() {
			if len(p.filled.traces) < sampledTraces && due(len(p.filled.traces), sampledTraces, p.filled.spans+p.options.request, p.options.spans) {
				id := span.TraceID()
				p.filled.traces = append(p.filled.traces, sampledTrace{hex.EncodeToString(id[:]), span.StartTimestamp().AsTime()})
			}
			if rare {
				rare = false
				p.rare++
				span.Attributes().PutStr(rareKey, rareValue)
			}
			if slow && name.Str() == slowService && span.Kind() == ptrace.SpanKindServer {
				slow = false
				p.slow++
				span.Status().SetCode(ptrace.StatusCodeError)
				span.SetEndTimestamp(pcommon.NewTimestampFromTime(span.EndTimestamp().AsTime().Add(slowBy)))
			}
		}
	}
}

// logs lengthens the bodies to what applications write, about 147 bytes.
func (p *planted) logs(ld plog.Logs) {
	word := due(p.words, rareRecords, p.filled.logs+ld.LogRecordCount(), p.options.logs)
	n := uint64(p.filled.logs)
	for _, rl := range ld.ResourceLogs().All() {
		for _, r := range rl.ScopeLogs().At(0).LogRecords().All() {
			n++
			mixed := n * 0x9e3779b97f4a7c15 // as good as random, and the same each time
			text := fmt.Sprintf("%s [session=%08x client=10.%d.%d.%d bytes=%d attempt=%d node=eu-1/shop/%d] handled in pool main of unit a", r.Body().Str(),
				mixed>>32, mixed>>8&31, mixed>>16&255, mixed>>24&255, mixed>>20&0xffff, mixed>>40&3, mixed>>44&63)
			if word {
				word = false
				p.words++
				text += " by " + rareWord + " again"
			}
			p.filled.bodyBytes += int64(len(text))
			if !p.maps || n%8 > 0 {
				r.Body().SetStr(text)
				continue
			}
			body := r.Body().SetEmptyMap()
			body.PutStr("message", text)
			user := body.PutEmptyMap("user")
			if n%8000 == 0 {
				mixed = 42 << 32
			}
			user.PutStr("id", fmt.Sprintf("user-%04d", mixed>>32%5000))
			user.PutBool("guest", mixed>>50&7 == 0)
		}
	}
}

// backlog waits until a queue is shorter than n messages.
func (m *machine) backlog(ctx context.Context, signal telemetry.Signal, n uint64) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		b, err := m.bus.Pending(ctx, signal)
		if err != nil {
			return err
		}
		if b.LastPosition-b.Settled < n {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// janitor merges everything that is closed; of is whose it is, nil for this build's.
func (m *machine) janitor(ctx context.Context, of *revision, url string) error {
	p, err := m.startJanitor(ctx, of, url, 2)
	if err != nil {
		return err
	}
	return p.wait()
}

// leaves are the partitions of a table that hold anything, newest first.
func leaves(ctx context.Context, conn *pgx.Conn, table string) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT relid::regclass::text FROM pg_partition_tree($1::regclass)
		WHERE isleaf AND pg_relation_size(relid) > 0 ORDER BY 1 DESC`, table)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func indexAttributes(ctx context.Context, conn *pgx.Conn) error {
	list, err := leaves(ctx, conn, schema.SpansFact)
	if err != nil {
		return err
	}
	for _, leaf := range list {
		if _, err := conn.Exec(ctx, "CREATE INDEX ON "+leaf+" USING gin (attributes jsonb_path_ops)"); err != nil {
			return err
		}
	}
	return nil
}
