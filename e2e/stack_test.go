// Package e2e tries ollyScale as it is deployed: every role a process of its own, with a NATS server and a PostgreSQL that are
// separate programs and can be killed. The binaries come from `make e2e`.
package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/e2e/load"
	"github.com/ollyscale/ollyscale/libs/postgres/rolluprow"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/rollup/red"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// Environment variables that `make e2e` sets.
const (
	envBin        = "OLLY_E2E_BIN"         // directory of the built binaries
	envNATSServer = "OLLY_E2E_NATS_SERVER" // the nats-server binary
	envItems      = "OLLY_E2E_ITEMS"       // items of each signal in the load tests; default 20,000
)

// items is how much of each signal a load test sends.
func items(t *testing.T) int {
	t.Helper()
	text := os.Getenv(envItems)
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, envItems)
	return n
}

// binary is the path of a program that make e2e built.
func binary(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv(envBin)
	if dir == "" {
		dir = filepath.Join(testbed.Root(t), ".build", "bin")
	}
	path := filepath.Join(dir, name)
	_, err := os.Stat(path)
	require.NoError(t, err, "run the end-to-end tests by `make e2e`, which builds the binaries")
	return path
}

func natsServer(t *testing.T) string {
	t.Helper()
	path := os.Getenv(envNATSServer)
	if path == "" {
		path = filepath.Join(testbed.Root(t), ".tools", "bin", "nats-server")
	}
	_, err := os.Stat(path)
	require.NoError(t, err, "run the end-to-end tests by `make e2e`, which fetches the NATS server")
	return path
}

// stack is an ollyScale in parts.
type stack struct {
	t   *testing.T
	dir string
	layout

	pgPort   int
	database *server.Server
	nats     *process
	cluster  []*process // instead of nats, where the layout wants several
	ingest   *process
	query    *process

	grpc, http, api string        // addresses of OTLP/gRPC, OTLP/HTTP and the query API
	monitor         string        // the NATS server's
	monitors        []string      // those of a cluster
	bus             string        // the NATS server's URL, past any link
	url             func() string // the database's, past any link
	environment     []string
}

// layout says where a stack keeps its data and by which way its roles reach it. The zero value is the stack's own directory, and no detour.
type layout struct {
	postgres, queue string // directories
	// servers is how many NATS servers there are, which hold every stream together; 0 is one.
	servers int
	// durable has NATS force each message to disk before it acknowledges it.
	durable bool
	// link gives a role another address for a server ("postgres" or "bus") that it reaches at upstream.
	link func(role, server, upstream string) string
}

// newStack starts PostgreSQL, NATS, the migrator, ingest and query, and waits until they are ready. Writers and the janitor are the
// test's to start.
func newStack(t *testing.T, environment ...string) *stack {
	t.Helper()
	return newStackOn(t, layout{}, environment...)
}

// newDir makes a directory that stays when the test fails.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ollye2e") // root's PostgreSQL runs as another user, who may not enter t.TempDir
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() {
		if !t.Failed() {
			_ = os.RemoveAll(dir)
		}
	})
	return dir
}

// newStackOn is newStack with a layout of its own.
func newStackOn(t *testing.T, l layout, environment ...string) *stack {
	t.Helper()
	dir := newDir(t)
	s := &stack{t: t, dir: dir, layout: l}
	s.url = func() string { return s.database.URL("postgres") }
	if s.layout.postgres == "" {
		s.layout.postgres = filepath.Join(dir, "postgres")
	}
	settings := ""
	if s.layout.queue == "" {
		s.layout.queue = filepath.Join(dir, "nats")
		settings = roomForAll
	}
	s.pgPort = testbed.Port(s.t)
	s.startPostgres()
	t.Cleanup(s.stopPostgres)

	if l.servers > 1 {
		s.startCluster(l.servers)
		environment = append([]string{"OLLY_BUS_REPLICAS=" + strconv.Itoa(l.servers)}, environment...)
	} else {
		natsPort, monitorPort := testbed.Port(s.t), testbed.Port(s.t)
		s.monitor = "http://" + address(monitorPort)
		args := []string{"-a", "127.0.0.1", "-p", strconv.Itoa(natsPort), "-m", strconv.Itoa(monitorPort), "-js", "-sd", s.layout.queue}
		if l.durable {
			settings += ", sync_interval: always"
		}
		s.nats = s.start("nats", natsServer(t), nil, append(args, "-c", s.settings("nats", settings))...)
		s.bus = "nats://" + address(natsPort)
	}
	grpcPort, httpPort, queryPort := testbed.Port(s.t), testbed.Port(s.t), testbed.Port(s.t)
	s.grpc = address(grpcPort)
	s.http = "http://" + address(httpPort)
	s.api = "http://" + address(queryPort)
	s.environment = append([]string{
		"OLLY_POSTGRES_URL=" + s.database.URL("postgres"),
		"OLLY_BUS_URL=" + s.bus,
		// A killed writer's deliveries come back after this long; the default of a minute would only make the tests slow.
		"OLLY_BUS_ACK_WAIT=5s",
	}, environment...)
	migrator := s.role("migrator", nil, "up")
	require.NoError(t, migrator.wait(time.Minute), "migrator")
	s.keepRows()
	s.ingest = s.role("ingest", []string{"OLLY_GRPC_ADDRESS=" + s.grpc, "OLLY_HTTP_ADDRESS=" + address(httpPort)})
	s.query = s.role("query", []string{"OLLY_HTTP_ADDRESS=" + address(queryPort)})
	s.ready(s.http)
	s.ready(s.api)
	return s
}

// roomForAll lets a NATS server reserve what every stream may come to: of itself it takes three quarters of what the disk has free when it starts, and a disk
// with less than 9 GB would fail tests that store a few megabytes.
const roomForAll = "max_file_store: 64GB"

// settings writes the file of JetStream's settings for a NATS server.
func (s *stack) settings(name, jetStream string) (path string) {
	s.t.Helper()
	path = filepath.Join(s.dir, name+".conf")
	require.NoError(s.t, os.WriteFile(path, []byte("jetstream { "+strings.TrimPrefix(jetStream, ", ")+" }\n"), 0o600))
	return path
}

// startCluster starts NATS servers n0, n1 and so on, which know each other.
func (s *stack) startCluster(servers int) {
	s.t.Helper()
	clients, routes, urls := make([]int, servers), make([]string, servers), make([]string, servers)
	for i := range servers {
		clients[i] = testbed.Port(s.t)
		routes[i], urls[i] = "nats://"+address(testbed.Port(s.t)), "nats://"+address(clients[i])
	}
	for i := range servers {
		name, monitor := serverName(i), testbed.Port(s.t)
		s.monitors = append(s.monitors, "http://"+address(monitor))
		s.cluster = append(s.cluster, s.start(name, natsServer(s.t), nil, "-a", "127.0.0.1", "-p", strconv.Itoa(clients[i]), "-m", strconv.Itoa(monitor), "-js",
			"-c", s.settings(name, roomForAll), "-sd", filepath.Join(s.dir, name), "-n", name, "--cluster_name", "c", "--cluster", routes[i], "--routes", strings.Join(routes, ",")))
	}
	s.bus = strings.Join(urls, ",")
}

// serverName is that of one of several NATS servers.
func serverName(n int) string { return "n" + strconv.Itoa(n) }

// writer starts one more writer and returns the URL of its health.
func (s *stack) writer() (p *process, health string) {
	s.t.Helper()
	ops := address(testbed.Port(s.t))
	p = s.role("writer", []string{"OLLY_OPS_ADDRESS=" + ops})
	return p, "http://" + ops
}

// janitor starts the janitor.
func (s *stack) janitor() *process {
	s.t.Helper()
	return s.role("janitor", []string{"OLLY_OPS_ADDRESS=" + address(testbed.Port(s.t))})
}

func (s *stack) role(name string, environment []string, args ...string) *process {
	s.t.Helper()
	environment = append(environment, s.environment...)
	if s.link != nil { // the last value of a variable counts
		environment = append(environment, "OLLY_BUS_URL=nats://"+s.link(name, "bus", strings.TrimPrefix(s.bus, "nats://")),
			"OLLY_POSTGRES_URL="+strings.Replace(s.database.URL("postgres"), address(s.pgPort), s.link(name, "postgres", address(s.pgPort)), 1))
	}
	return s.start(name, binary(s.t, name), environment, args...)
}

func (s *stack) startPostgres() {
	s.t.Helper()
	ctx := testbed.Context(s.t)
	log, err := os.OpenFile(filepath.Join(s.dir, "postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(s.t, err)
	s.database, err = server.Start(ctx, server.Config{
		BinDir: testbed.PostgresBin(s.t), DataDir: s.layout.postgres, Port: s.pgPort, Log: log,
	})
	require.NoError(s.t, err, "start PostgreSQL")
}

func (s *stack) stopPostgres() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(s.t, s.database.Stop(ctx), "stop PostgreSQL")
}

// keepRows asks for rows beside the segments, which the checks by SQL read, as an operator does.
func (s *stack) keepRows() {
	s.t.Helper()
	out, err := exec.CommandContext(testbed.Context(s.t), binary(s.t, "ollyscale"), "retention", "set", "--tenant", "default", "--rows", "24h", "--postgres", s.url()).CombinedOutput()
	require.NoError(s.t, err, string(out))
}

// pool opens the database for looking at.
func (s *stack) pool() *pgxpool.Pool {
	s.t.Helper()
	pool, err := pgxpool.New(testbed.Context(s.t), s.url())
	require.NoError(s.t, err)
	s.t.Cleanup(pool.Close)
	return pool
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// health is the status code of a service's /health, 0 while it does not answer.
func health(t *testing.T, base string) int {
	t.Helper()
	return status(t, base+"/health")
}

// status is that of an answer, 0 where there is none.
func status(t *testing.T, url string) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}

// ready waits until a service says that it can do its work.
func (s *stack) ready(base string) {
	s.t.Helper()
	waitFor(s.t, 30*time.Second, base+"/health answers 200", func() bool { return health(s.t, base) == http.StatusOK })
}

// waitFor polls until ok, and fails the test at the limit.
func waitFor(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			require.FailNow(t, "waited "+limit.String()+" for: "+what)
		case <-tick.C:
		}
	}
}

// get asks a query API and decodes its answer; the error holds the status of one that is not 200.
func get(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	return do(request, into)
}

func do(request *http.Request, into any) error {
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s: %s: %s", request.URL, answer.Status, text)
	}
	return json.Unmarshal(text, into)
}

// requireExactly proves that the API and the rows have every item of the plan once, and the segments no other item.
func (s *stack) requireExactly(plan load.Plan, limit time.Duration) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), limit)
	defer cancel()
	pool := s.pool()
	for _, signal := range load.Signals() {
		start := time.Now()
		require.NoError(s.t, load.Settled(ctx, func(ctx context.Context) (*load.Tally, error) {
			return load.TallyRows(ctx, pool, plan, signal)
		}), "%s by SQL", signal)
		bySQL := time.Since(start)
		start = time.Now()
		require.NoError(s.t, load.Settled(ctx, func(ctx context.Context) (*load.Tally, error) {
			return load.API{URL: s.api}.Tally(ctx, plan, signal)
		}), "%s by the API", signal)
		s.t.Logf("%s: %d, once each; counted by SQL in %s, by the API in %s", signal, plan.Items, bySQL, time.Since(start))
	}
	all := counts{Spans: plan.Items, Logs: plan.Items, Points: plan.Items, Rollup: plan.Items}
	require.Equal(s.t, all, s.counts(ctx, pool), "items in the segments")
}

// counts is what the tables hold in all.
type counts struct {
	Spans, Logs, Points int // items of the segments
	Rollup              int // spans that rollups count, with those of segments that are in none yet
	Usage               miscounted
}

// miscounted is how much more than is stored tenant_usage tells, and less where it is below 0: nothing, whoever was killed in whatever moment.
type miscounted struct{ Spans, Logs, Points, Series int }

func (s *stack) counts(ctx context.Context, pool *pgxpool.Pool) (c counts) {
	s.t.Helper()
	require.NoError(s.t, pool.QueryRow(ctx, `SELECT
		(SELECT coalesce(sum(items), 0) FROM spans_segment),
		(SELECT coalesce(sum(items), 0) FROM logs_segment),
		(SELECT coalesce(sum(items), 0) FROM metrics_segment)`).Scan(&c.Spans, &c.Logs, &c.Points))
	c.Rollup = s.rolled(ctx, pool)
	// Of series, those of the last day, held to the points themselves: those of a time on that day were stored on no day before. That more are counted is
	// a fault only where the run had one day: over midnight, points of the day before are stored on it, and a clock that jumps by days counts again.
	require.NoError(s.t, pool.QueryRow(ctx, `SELECT
		(SELECT coalesce(sum(items), 0) FROM tenant_usage WHERE signal = 0) - $1,
		(SELECT coalesce(sum(items), 0) FROM tenant_usage WHERE signal = 1) - $2,
		(SELECT coalesce(sum(items), 0) FROM tenant_usage WHERE signal = 2) - $3,
		CASE WHEN last.days > 1 OR points.earlier THEN least(last.series - points.series, 0) ELSE last.series - points.series END
		FROM (SELECT coalesce(sum(series) FILTER (WHERE day = seen), 0) AS series, count(DISTINCT day) AS days, extract(epoch FROM min(seen)) * 1000000000 AS since
			FROM (SELECT max(last_seen_day) AS seen FROM series_dim) AS d LEFT JOIN tenant_usage ON true) AS last
		CROSS JOIN LATERAL (SELECT count(DISTINCT (tenant_id, series_id)) FILTER (WHERE time_unix_nano >= last.since) AS series,
			coalesce(bool_or(time_unix_nano < last.since), false) AS earlier FROM metrics_fact) AS points`, c.Spans, c.Logs, c.Points).Scan(&c.Usage.Spans, &c.Usage.Logs, &c.Usage.Points, &c.Usage.Series))
	return c
}

// rolled is how many spans rollups count, and those segments that are in none: in one snapshot, because the janitor goes on.
func (s *stack) rolled(ctx context.Context, pool *pgxpool.Pool) (spans int) {
	s.t.Helper()
	require.NoError(s.t, pgx.BeginTxFunc(ctx, pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT coalesce(sum(items), 0) FROM spans_segment WHERE level = 0`).Scan(&spans); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+rolluprow.Columns+` FROM rollup WHERE kind = $1 AND grain < 2`, red.ID)
		if err != nil {
			return err
		}
		var c red.Chunk
		for r, err := range rolluprow.Read(rows) {
			if err != nil {
				return err
			}
			if err := c.Decode(r.Minutes); err != nil {
				return err
			}
			var sum red.Sum
			for i := range c.Services {
				for k := range c.Services[i].Operations {
					for j := range c.Services[i].Operations[k].Cells {
						sum.AddCell(&c.Services[i].Operations[k].Cells[j])
					}
				}
			}
			spans += int(sum.Requests)
		}
		return nil
	}))
	return spans
}

// sending sends a plan in the background.
type sending struct {
	t    *testing.T
	done chan struct{}
	sent load.Sent
	err  error
}

func (s *stack) send(ctx context.Context, plan load.Plan, target load.Target) *sending {
	s.t.Helper()
	target.GRPC, target.HTTP, target.Workers = s.grpc, s.http, cmp.Or(target.Workers, 4)
	// Long enough for something to fail in the middle of it.
	target.Pace = 5 * time.Second * time.Duration(target.Workers) / time.Duration(3*plan.Requests())
	g := &sending{t: s.t, done: make(chan struct{})}
	go func() {
		defer close(g.done)
		g.sent, g.err = load.Send(ctx, plan, target)
	}()
	return g
}

func (g *sending) wait() load.Sent {
	g.t.Helper()
	<-g.done
	require.NoError(g.t, g.err)
	g.t.Logf("acknowledged %d requests in %s, %d retries (last: %s), %d sent again", g.sent.Requests, g.sent.Elapsed, g.sent.Retries, g.sent.LastFailed, g.sent.Repeated)
	return g.sent
}

// stored waits until the segments hold this many spans.
func (s *stack) stored(pool *pgxpool.Pool, spans int) {
	s.t.Helper()
	waitFor(s.t, time.Minute, fmt.Sprintf("%d stored spans", spans), func() bool {
		var n int
		err := pool.QueryRow(s.t.Context(), "SELECT coalesce(sum(items), 0) FROM spans_segment").Scan(&n)
		if errors.Is(err, context.Canceled) {
			return true
		}
		return err == nil && n >= spans
	})
}

// streamSeen is a stream as a NATS server sees it.
type streamSeen struct {
	Name  string `json:"name"`
	State struct {
		Messages int    `json:"messages"`
		LastSeq  uint64 `json:"last_seq"`
	} `json:"state"`
	Cluster   ledBy `json:"cluster"`
	Consumers []struct {
		Name    string `json:"name"`
		Cluster ledBy  `json:"cluster"`
	} `json:"consumer_detail"`
}

// ledBy is who leads a stream or a consumer that several servers hold, as one of them sees it.
type ledBy struct {
	Leader string `json:"leader"`
}

// streamsOf asks a server's monitor for its streams and their consumers. It answers by itself, also where nobody leads.
func streamsOf(ctx context.Context, monitor string) (streams []streamSeen, err error) {
	var answer struct {
		Accounts []struct {
			Streams []streamSeen `json:"stream_detail"`
		} `json:"account_details"`
	}
	err = get(ctx, monitor+"/jsz?accounts=true&streams=true&consumers=true", &answer)
	for _, account := range answer.Accounts {
		streams = append(streams, account.Streams...)
	}
	return streams, err
}

// settled waits until the bus holds nothing that is not written: a second sending can only have added something by then.
func (s *stack) settled() {
	s.t.Helper()
	waitFor(s.t, time.Minute, "an empty bus", func() bool {
		streams, err := streamsOf(s.t.Context(), s.monitor)
		if err != nil {
			return false
		}
		messages := 0
		for _, stream := range streams {
			if !strings.HasPrefix(stream.Name, "KV_") { // what ingest is told of policies and keys stays
				messages += stream.State.Messages
			}
		}
		return messages == 0
	})
}
