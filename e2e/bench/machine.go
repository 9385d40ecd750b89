package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

// machine is the servers of a bench.
type machine struct {
	options    options
	dir        string
	pg         *server.Server
	postmaster int
	conn       *pgx.Conn // to database postgres
	nats       *process
	natsURL    string
	bus        *bus.Bus
	publisher  *bus.Publisher
}

// Settings as docs advise for a server of this size; durable, and without autovacuum's noise while timing.
func settings() map[string]string {
	return map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "16GB", "checkpoint_timeout": "30min", "synchronous_commit": "on", "fsync": "on",
		"autovacuum": "off", "jit": "off", "max_connections": "100",
	}
}

func startMachine(ctx context.Context, o options, dir string) (_ *machine, err error) {
	m := &machine{options: o, dir: dir}
	defer func() {
		if err != nil {
			m.stop()
		}
	}()
	bin, err := filepath.Abs(o.bin)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "postgres")
	if m.pg, err = server.Start(ctx, server.Config{BinDir: bin, DataDir: data, Settings: settings()}); err != nil {
		return nil, err
	}
	pid, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	if m.postmaster, err = strconv.Atoi(first); err != nil {
		return nil, err
	}
	if m.conn, err = pgx.Connect(ctx, m.pg.URL("postgres")); err != nil {
		return nil, err
	}
	if _, err = m.conn.Exec(ctx, "CREATE DATABASE ready"); err != nil {
		return nil, err
	}
	migrations, err := fs.Sub(schema.Migrations, schema.Dir)
	if err != nil {
		return nil, err
	}
	if _, err = migrate.Up(ctx, migrate.Config{URL: m.pg.URL("ready"), Dir: migrations, Operator: "bench"}); err != nil {
		return nil, err
	}

	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	m.natsURL = "nats://" + address
	if m.nats, err = m.start(ctx, "nats", "--address", address, "--dir", filepath.Join(dir, "nats")); err != nil {
		return nil, err
	}
	cfg := bus.DefaultConfig()
	cfg.URL = m.natsURL
	if m.bus, err = bus.Connect(ctx, cfg, nil, nil); err != nil {
		return nil, err
	}
	if err = m.bus.WaitReady(ctx); err != nil {
		return nil, err
	}
	m.publisher, err = m.bus.Publisher()
	return m, err
}

func (m *machine) stop() {
	if m.publisher != nil {
		m.publisher.Close()
	}
	if m.bus != nil {
		m.bus.Close()
	}
	if m.nats != nil {
		m.nats.stop()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if m.conn != nil {
		_ = m.conn.Close(ctx)
	}
	if m.pg != nil {
		_ = m.pg.Stop(ctx)
	}
}

func freeAddress(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// process is one of the bench's own processes.
type process struct {
	cmd *exec.Cmd
	log *os.File
}

func (m *machine) start(ctx context.Context, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(m.dir, args[0]+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, self, args...), log: log}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		_ = log.Close()
		return nil, err
	}
	return p, nil
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	_ = p.log.Close()
}

// natsMain is the process nats.
func natsMain(ctx context.Context, args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("nats", flag.ContinueOnError)
	address, dir := flags.String("address", "", ""), flags.String("dir", "", "")
	if flags.Parse(args) != nil {
		return 2
	}
	host, port, err := net.SplitHostPort(*address)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	s, err := natsserver.NewServer(&natsserver.Options{Host: host, Port: number, JetStream: true, StoreDir: *dir, NoSigs: true, NoLog: true})
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	s.Start()
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return 0
}

// open makes a database with a rows window and returns its URL.
func (m *machine) open(ctx context.Context, database, rowsWindow string) (string, error) {
	if _, err := m.conn.Exec(ctx, "CREATE DATABASE "+database+" TEMPLATE ready"); err != nil {
		return "", err
	}
	url := m.pg.URL(database)
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "UPDATE retention_policy SET rows_window = $1::text::interval", rowsWindow)
	return url, err
}

func (m *machine) startWriter(ctx context.Context, url string) (*process, error) {
	args := []string{"writer", "--bus-url", m.natsURL, "--postgres-url", url, "--ops-address", ""}
	if m.options.segmentItems > 0 {
		args = append(args, "--flush-segment-items", strconv.Itoa(m.options.segmentItems))
	}
	return m.start(ctx, args...)
}

// snapshot is what everything has used so far.
type snapshot struct {
	at                           time.Time
	writer, ingest, nats, server time.Duration
	wal, disk                    int64
}

func (m *machine) snapshot(ctx context.Context, conn *pgx.Conn, writer, ingest *process) (s snapshot, err error) {
	// Sizes first: asking costs, and what it costs is in neither difference.
	err = conn.QueryRow(ctx, `SELECT pg_current_wal_lsn() - '0/0', (SELECT sum(pg_total_relation_size(oid)) FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relispartition)`).Scan(&s.wal, &s.disk)
	if err != nil {
		return s, err
	}
	var errs [4]error
	if writer != nil {
		s.writer, errs[0] = processCPU(writer.pid())
	}
	if ingest != nil {
		s.ingest, errs[1] = processCPU(ingest.pid())
	}
	s.nats, errs[2] = processCPU(m.nats.pid())
	s.server, errs[3] = treeCPU(m.postmaster)
	s.at = time.Now()
	return s, errors.Join(errs[:]...)
}

func (a snapshot) until(b snapshot) cost {
	return cost{
		client: b.writer - a.writer, ingest: b.ingest - a.ingest, nats: b.nats - a.nats, server: b.server - a.server, wall: b.at.Sub(a.at),
		wal: b.wal - a.wal, disk: b.disk - a.disk,
	}
}

// drain lets a writer empty a queue that holds all requests. The writer has started, and knows its partitions and dimensions, before the
// clock starts; while the queue is filled, it is stopped.
func (m *machine) drain(ctx context.Context, database string, r *requests, rowsWindow string) (cost, error) {
	url, err := m.open(ctx, database, rowsWindow)
	if err != nil {
		return cost{}, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = conn.Close(ctx) }()
	w, err := m.startWriter(ctx, url)
	if err != nil {
		return cost{}, err
	}
	defer w.stop()
	batches := renamed(r.batches, database)
	warm := batches[:min(len(batches)-1, 1+len(batches)/20)]
	if err := m.publish(ctx, warm); err != nil {
		return cost{}, err
	}
	if err := m.settled(ctx, r.signal); err != nil {
		return cost{}, err
	}
	if err := pause(w.cmd.Process); err != nil {
		return cost{}, err
	}
	rest := batches[len(warm):]
	if err := m.publish(ctx, rest); err != nil {
		_ = resume(w.cmd.Process)
		return cost{}, err
	}
	before, err := m.begin(ctx, conn, w, nil)
	_ = resume(w.cmd.Process)
	if err != nil {
		return cost{}, err
	}
	if err := m.settled(ctx, r.signal); err != nil {
		return cost{}, err
	}
	after, err := m.snapshot(ctx, conn, w, nil)
	if err != nil {
		return cost{}, err
	}
	c := before.until(after)
	for _, b := range rest {
		c.items += b.Items
		c.otlp += int64(len(b.Payload))
	}
	c.rss = peakRSS(w.pid())
	return c, m.complete(ctx, conn, r)
}

// begin takes a snapshot after a checkpoint, so that every case pays for its own full-page images.
func (m *machine) begin(ctx context.Context, conn *pgx.Conn, writer, ingest *process) (snapshot, error) {
	if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
		return snapshot{}, err
	}
	return m.snapshot(ctx, conn, writer, ingest)
}

func (m *machine) publish(ctx context.Context, batches []telemetry.Batch) error {
	for len(batches) > 0 {
		n := min(len(batches), 64)
		for i := range n {
			batches[i].Received = time.Now()
		}
		if _, err := m.publisher.Publish(ctx, batches[:n]); err != nil {
			return err
		}
		batches = batches[n:]
	}
	return nil
}

// settled waits until the queue is empty and all is acknowledged.
func (m *machine) settled(ctx context.Context, signal telemetry.Signal) error {
	timer := time.NewTicker(25 * time.Millisecond)
	defer timer.Stop()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		b, err := m.bus.Pending(ctx, signal)
		if err == nil && b.LastPosition == b.Settled {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the writer does not empty the queue (see its log): %w", errors.Join(err, ctx.Err()))
		case <-timer.C:
		}
	}
}

// renamed returns the batches under other ids: the cases of a round send the same bytes, which the bus would drop as duplicates.
func renamed(batches []telemetry.Batch, database string) []telemetry.Batch {
	out := slices.Clone(batches)
	for i := range out {
		out[i].ID = telemetry.NewBatchID(out[i].Tenant, out[i].Signal, append(out[i].ID[:], database...))
	}
	return out
}

// complete checks that exactly what was sent is there: a figure for less would be no figure.
func (m *machine) complete(ctx context.Context, conn *pgx.Conn, r *requests) error {
	table := map[telemetry.Signal]string{telemetry.Traces: "spans_segment", telemetry.Logs: "logs_segment", telemetry.Metrics: "metrics_segment"}[r.signal]
	var items int
	if err := conn.QueryRow(ctx, "SELECT coalesce(sum(items), 0) FROM "+table).Scan(&items); err != nil {
		return err
	}
	if items != r.items {
		return fmt.Errorf("%d items sent, %d stored", r.items, items)
	}
	return nil
}

// copyRows copies the rows of a database, as they came out of it, into a table without indexes.
func (m *machine) copyRows(ctx context.Context, database string) (cost, error) {
	const perCopy = 8000
	conn, err := pgx.Connect(ctx, m.pg.URL(database))
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = conn.Close(ctx) }()
	var all bytes.Buffer
	if _, err := conn.PgConn().CopyTo(ctx, &all, "COPY (SELECT * FROM spans_fact) TO STDOUT (FORMAT binary)"); err != nil {
		return cost{}, err
	}
	streams, rows, err := cut(all.Bytes(), perCopy)
	if err != nil {
		return cost{}, err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE raw (LIKE spans_fact)"); err != nil {
		return cost{}, err
	}
	before, err := m.begin(ctx, conn, nil, nil)
	if err != nil {
		return cost{}, err
	}
	own, err := ownCPU()
	if err != nil {
		return cost{}, err
	}
	for _, s := range streams {
		if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(s), "COPY raw FROM STDIN (FORMAT binary)"); err != nil {
			return cost{}, err
		}
	}
	end, err := ownCPU()
	if err != nil {
		return cost{}, err
	}
	after, err := m.snapshot(ctx, conn, nil, nil)
	if err != nil {
		return cost{}, err
	}
	c := before.until(after)
	c.items, c.client, c.nats = rows, end-own, 0
	return c, conn.QueryRow(ctx, "SELECT pg_total_relation_size('raw')").Scan(&c.disk)
}

// cut makes COPY streams of n rows out of one.
func cut(all []byte, n int) (streams [][]byte, rows int, err error) {
	const header = 19
	if len(all) < header {
		return nil, 0, errors.New("no COPY stream")
	}
	head, rest := all[:header], all[header:]
	current := bytes.Clone(head)
	inCurrent := 0
	closeStream := func() {
		if inCurrent > 0 {
			streams = append(streams, append(current, 0xff, 0xff))
		}
		current, inCurrent = bytes.Clone(head), 0
	}
	for len(rest) >= 2 {
		columns := int16(binary.BigEndian.Uint16(rest))
		if columns < 0 {
			closeStream()
			return streams, rows, nil
		}
		end := 2
		for range columns {
			size := int(int32(binary.BigEndian.Uint32(rest[end:])))
			end += 4 + max(size, 0)
		}
		current = append(current, rest[:end]...)
		rest = rest[end:]
		rows++
		if inCurrent++; inCurrent == n {
			closeStream()
		}
	}
	return nil, 0, errors.New("the COPY stream has no end")
}

// sink decodes requests as a collector's receiver does.
func sink(r *requests) (cost, error) {
	before, err := ownCPU()
	if err != nil {
		return cost{}, err
	}
	began := time.Now()
	for _, b := range r.batches {
		switch r.signal {
		case telemetry.Traces:
			err = ptraceotlp.NewExportRequest().UnmarshalProto(b.Payload)
		case telemetry.Logs:
			err = plogotlp.NewExportRequest().UnmarshalProto(b.Payload)
		case telemetry.Metrics:
			err = pmetricotlp.NewExportRequest().UnmarshalProto(b.Payload)
		}
		if err != nil {
			return cost{}, err
		}
	}
	wall := time.Since(began)
	after, err := ownCPU()
	return cost{items: r.items, otlp: r.bytes, client: after - before, wall: wall}, err
}

// path sends the requests by OTLP/HTTP and waits until all is committed.
func (m *machine) path(ctx context.Context, database string, r *requests) (cost, error) {
	url, err := m.open(ctx, database, "0")
	if err != nil {
		return cost{}, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = conn.Close(ctx) }()
	w, err := m.startWriter(ctx, url)
	if err != nil {
		return cost{}, err
	}
	defer w.stop()
	address, err := freeAddress(ctx)
	if err != nil {
		return cost{}, err
	}
	in, err := m.start(ctx, "ingest", "--bus-url", m.natsURL, "--http-address", address, "--grpc-address", "127.0.0.1:0")
	if err != nil {
		return cost{}, err
	}
	defer in.stop()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	target := "http://" + address + "/v1/" + r.signal.String()
	warm := r.batches[:min(len(r.batches)-1, 1+len(r.batches)/20)]
	if err := untilReady(ctx, client, "http://"+address+"/health"); err != nil {
		return cost{}, err
	}
	if err := post(ctx, client, target, warm); err != nil {
		return cost{}, err
	}
	if err := m.settled(ctx, r.signal); err != nil {
		return cost{}, err
	}
	before, err := m.begin(ctx, conn, w, in)
	if err != nil {
		return cost{}, err
	}
	rest := r.batches[len(warm):]
	if err := post(ctx, client, target, rest); err != nil {
		return cost{}, err
	}
	if err := m.settled(ctx, r.signal); err != nil {
		return cost{}, err
	}
	after, err := m.snapshot(ctx, conn, w, in)
	if err != nil {
		return cost{}, err
	}
	c := before.until(after)
	for _, b := range rest {
		c.items += b.Items
		c.otlp += int64(len(b.Payload))
	}
	c.rss = peakRSS(w.pid())
	return c, m.complete(ctx, conn, r)
}

// senders is how many requests are on their way at once.
const senders = 8

func post(ctx context.Context, client *http.Client, url string, batches []telemetry.Batch) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	queue := make(chan []byte)
	done := make(chan struct{})
	for range senders {
		go func() {
			defer func() { done <- struct{}{} }()
			for payload := range queue {
				if err := postOne(ctx, client, url, payload); err != nil {
					cancel(err)
				}
			}
		}()
	}
	for _, b := range batches {
		select {
		case queue <- b.Payload:
		case <-ctx.Done():
		}
	}
	close(queue)
	for range senders {
		<-done
	}
	return context.Cause(ctx)
}

func postOne(ctx context.Context, client *http.Client, url string, payload []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %q", url, resp.Status, body)
	}
	return nil
}

func untilReady(ctx context.Context, client *http.Client, url string) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", url, ctx.Err())
		case <-tick.C:
		}
	}
}
