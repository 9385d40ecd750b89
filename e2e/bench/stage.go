package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// setup is how a case runs.
type setup struct {
	database string // its name, made for the case
	requests *requests
	rows     bool      // rows for SQL too
	writers  int       // 0 is one, -1 none
	zip      bool      // send requests compressed
	together bool      // ingest, writer and NATS in one process
	durable  bool      // NATS, of this build, forces each message to disk before it acknowledges it
	other    *revision // whose programs run; nil for this build's
}

// stage is what a case runs on: a database and a queue of its own, and the processes.
type stage struct {
	machine *machine
	conn    *pgx.Conn
	url     string
	writers []*process // a process with everything in it is a writer here
	ingest  *process
	target  string // address of OTLP/HTTP
	steady  bool   // no more checkpoints are made
}

// stage starts what every case has but the processes.
func (m *machine) stage(ctx context.Context, s setup) (_ *stage, err error) {
	st := &stage{machine: m}
	defer func() {
		if err != nil {
			st.close(ctx)
		}
	}()
	window := "0"
	if s.rows {
		window = "24 hours"
	}
	if st.url, err = m.openFrom(ctx, s.other.template(), s.database, window); err != nil {
		return nil, err
	}
	if st.conn, err = pgx.Connect(ctx, st.url); err != nil {
		return nil, err
	}
	if s.together {
		return st, st.startTogether(ctx)
	}
	if s.durable {
		err = m.renewQueue(ctx, "", "--sync-always")
	} else {
		err = m.renewQueue(ctx, s.other.program())
	}
	if err != nil {
		return nil, err
	}
	for range cmp.Or(s.writers, 1) {
		w, err := m.startWriterOf(ctx, s.other.program(), st.url)
		if err != nil {
			return st, err
		}
		st.writers = append(st.writers, w)
	}
	return st, nil
}

// startTogether starts one process with ingest, writer and NATS, and connects to its queue.
func (st *stage) startTogether(ctx context.Context) error {
	m := st.machine
	m.queue.close()
	var addresses [3]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(ctx); err != nil {
			return err
		}
	}
	st.target = addresses[1]
	args := []string{
		"together", "--nats-address", addresses[0], "--nats-dir", m.queueDir(), "--http-address", st.target, "--", "--postgres-url", st.url,
		"--ops-address", addresses[2],
	}
	p, err := m.start(ctx, append(args, m.options.writerFlags()...)...)
	if err != nil {
		return err
	}
	p.ops = addresses[2]
	st.writers = append(st.writers, p)
	m.queue = &queue{natsURL: "nats://" + addresses[0]}
	return m.connect(ctx)
}

func (st *stage) startIngest(ctx context.Context, program string) (err error) {
	if st.target, err = freeAddress(ctx); err != nil {
		return err
	}
	st.ingest, err = st.machine.startProgram(ctx, program, "ingest", "--bus-url", st.machine.natsURL, "--http-address", st.target,
		"--grpc-address", "127.0.0.1:0", "--ops-address", "")
	return err
}

func (st *stage) close(ctx context.Context) {
	if st.ingest != nil {
		st.ingest.stop()
	}
	if st.machine.queue != nil && st.machine.nats == nil {
		st.machine.queue.close() // it is connected to a server in a process that ends now
	}
	for _, w := range st.writers {
		w.stop()
	}
	if st.conn != nil {
		_ = st.conn.Close(ctx)
	}
}

// pause stops the writers until the returned function is called, which may be done again.
func (st *stage) pause() (resumed func(), err error) {
	resumed = func() {
		for _, w := range st.writers {
			_ = resume(w.cmd.Process)
		}
	}
	for _, w := range st.writers {
		if err := pause(w.cmd.Process); err != nil {
			resumed()
			return nil, err
		}
	}
	return resumed, nil
}

// snapshot is what everything has used so far.
type snapshot struct {
	at                                      time.Time
	writer, ingest, nats, server, generator time.Duration
	machine                                 time.Duration // all of it
	wal, disk                               int64
	heap                                    allocation // of the writers
}

// begin takes a snapshot after a checkpoint, so that every case pays for its own full-page images; a steady stage has had its one. What asking for sizes
// costs comes before the clocks are read.
func (st *stage) begin(ctx context.Context) (s snapshot, err error) {
	if !st.steady {
		if _, err := st.conn.Exec(ctx, "CHECKPOINT"); err != nil {
			return s, err
		}
	}
	if err := s.sizes(ctx, st.conn); err != nil {
		return s, err
	}
	return s, s.clocks(st)
}

// end is what was used since a snapshot. The clocks are read before anything else.
func (st *stage) end(ctx context.Context, before snapshot) (cost, error) {
	var s snapshot
	if err := s.clocks(st); err != nil {
		return cost{}, err
	}
	if err := s.sizes(ctx, st.conn); err != nil {
		return cost{}, err
	}
	c := cost{
		client: s.writer - before.writer, ingest: s.ingest - before.ingest, nats: s.nats - before.nats, server: s.server - before.server,
		generator: s.generator - before.generator, wall: s.at.Sub(before.at), wal: s.wal - before.wal, disk: s.disk - before.disk,
	}
	c.others = s.machine - before.machine - c.all() - c.generator
	for _, w := range st.writers {
		c.memory.writer = max(c.memory.writer, peakRSS(w.pid()))
	}
	if st.ingest != nil {
		c.memory.ingest = peakRSS(st.ingest.pid())
	}
	if q := st.machine.queue; q.nats != nil && len(st.writers) > 0 {
		c.memory.nats = peakRSS(q.nats.pid())
	}
	c.memory.postgres = treePSS(st.machine.postmaster)
	return c, nil
}

func (s *snapshot) sizes(ctx context.Context, conn *pgx.Conn) error {
	return conn.QueryRow(ctx, `SELECT pg_current_wal_lsn() - '0/0', (SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relispartition)`).Scan(&s.wal, &s.disk)
}

func (s *snapshot) clocks(st *stage) error {
	var errs []error
	read := func(to *time.Duration, clock func(int) (time.Duration, error), pid int) {
		used, err := clock(pid)
		*to += used
		errs = append(errs, err)
	}
	for _, w := range st.writers {
		read(&s.writer, processCPU, w.pid())
	}
	if st.ingest != nil {
		read(&s.ingest, processCPU, st.ingest.pid())
	}
	if q := st.machine.queue; q != nil && q.nats != nil {
		read(&s.nats, processCPU, q.nats.pid())
	}
	read(&s.server, treeCPU, st.machine.postmaster)
	read(&s.generator, func(int) (time.Duration, error) { return ownCPU() }, 0)
	read(&s.machine, func(int) (time.Duration, error) { return machineCPU() }, 0)
	s.at = time.Now()
	return errors.Join(errs...)
}

// heaps adds up what the writers have allocated so far.
func (st *stage) heaps(ctx context.Context) (sum allocation, err error) {
	for _, w := range st.writers {
		a, err := allocated(ctx, w.ops)
		if err != nil {
			return sum, err
		}
		sum.bytes += a.bytes
		sum.objects += a.objects
	}
	return sum, nil
}

// drain lets writers empty a queue that holds all requests. They have started, and know their partitions and dimensions, before the clock
// starts; while the queue is filled, they are stopped.
func (m *machine) drain(ctx context.Context, s setup) (cost, error) {
	st, err := m.stage(ctx, s)
	if err != nil {
		return cost{}, err
	}
	defer st.close(ctx)
	warm, rest := s.requests.split()
	if err := m.deliver(ctx, s.requests.signal, warm); err != nil {
		return cost{}, err
	}
	heap, err := st.heaps(ctx)
	if err != nil {
		return cost{}, err
	}
	resumed, err := st.pause()
	if err != nil {
		return cost{}, err
	}
	defer resumed()
	if err := m.publish(ctx, rest); err != nil {
		return cost{}, err
	}
	before, err := st.begin(ctx)
	if err != nil {
		return cost{}, err
	}
	before.heap = heap
	return st.measure(ctx, s, before, rest, func() error {
		resumed()
		return nil
	})
}

// path sends the requests by OTLP/HTTP and waits until all is committed.
func (m *machine) path(ctx context.Context, s setup) (cost, error) {
	st, err := m.stage(ctx, s)
	if err != nil {
		return cost{}, err
	}
	defer st.close(ctx)
	if !s.together {
		if err := st.startIngest(ctx, s.other.program()); err != nil {
			return cost{}, err
		}
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	signal := s.requests.signal
	if err := untilReady(ctx, client, "http://"+st.target+"/health"); err != nil {
		return cost{}, err
	}
	target := "http://" + st.target + "/v1/" + signal.String()
	all, err := s.requests.encoded(s.zip)
	if err != nil {
		return cost{}, err
	}
	warm, rest := s.requests.split()
	if err := post(ctx, client, target, all[:len(warm)]); err != nil {
		return cost{}, err
	}
	if err := m.settled(ctx, signal); err != nil {
		return cost{}, err
	}
	heap, err := st.heaps(ctx)
	if err != nil {
		return cost{}, err
	}
	before, err := st.begin(ctx)
	if err != nil {
		return cost{}, err
	}
	before.heap = heap
	return st.measure(ctx, s, before, rest, func() error { return post(ctx, client, target, all[len(warm):]) })
}

// measure does what lets the batches come in, waits until all are committed, and says what it took since before.
func (st *stage) measure(ctx context.Context, s setup, before snapshot, batches []telemetry.Batch, do func() error) (cost, error) {
	watched := st.machine.watch(ctx, s.requests.signal)
	err := do()
	if err == nil {
		err = st.machine.settled(ctx, s.requests.signal)
	}
	seen := watched()
	if err != nil {
		return cost{}, err
	}
	c, err := st.end(ctx, before)
	if err != nil {
		return cost{}, err
	}
	n := countItems(batches)
	c.items, c.otlp = n.items, n.otlp
	c.steady = steady(seen, c.items)
	heap, err := st.heaps(ctx)
	if err != nil {
		return cost{}, err
	}
	c.allocated, c.objects = heap.bytes-before.heap.bytes, heap.objects-before.heap.objects
	return c, st.complete(ctx, s)
}

// complete checks that exactly what was sent is there: a figure for less would be no figure.
func (st *stage) complete(ctx context.Context, s setup) error {
	tables := map[telemetry.Signal]string{telemetry.Traces: "spans", telemetry.Logs: "logs", telemetry.Metrics: "metrics"}
	counts := map[string]string{"_segment": "coalesce(sum(items), 0)"}
	if s.rows {
		counts["_fact"] = "count(*)"
	}
	for kind, count := range counts {
		table := tables[s.requests.signal] + kind
		var items int
		if err := st.conn.QueryRow(ctx, "SELECT "+count+" FROM "+table).Scan(&items); err != nil {
			return err
		}
		if items != s.requests.items {
			return fmt.Errorf("%d items sent, %d in %s", s.requests.items, items, table)
		}
	}
	return nil
}
