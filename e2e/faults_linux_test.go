package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"
)

// failure is something that befalls an installation.
type failure struct {
	name  string
	hold  time.Duration // how long it lasts, from its begin
	begin func(*fire)
	end   func(*fire) // nil when it has no end of its own
	// unready roles must say within so long that they cannot work; those that stay must not say so at all. Of the others nothing is asked: a fault
	// of a moment may be seen or not.
	unready map[string]time.Duration
	stays   []string
}

// faults are all of them, in an order in which neighbours have little to do with one another. Those of clocks are left out, and log is told, where fixed says
// why no clock can be moved.
func faults(fixed error, log func(...any)) []failure {
	clocks := clockFaults()
	if fixed != nil {
		log("the faults of clocks are left out:", fixed)
		clocks = nil
	}
	both := []string{"writer 1", "writer 2"}
	bus, database := 6*time.Second, 6*time.Second
	every := func(limit time.Duration, roles ...string) map[string]time.Duration {
		m := map[string]time.Duration{}
		for _, role := range roles {
			m[role] = limit
		}
		return m
	}
	return append(clocks, []failure{
		killed("ingest", 3*time.Second, "query", "writer 1", "writer 2"),
		cut("writer-postgres", 5*time.Second, every(database, both...), "ingest", "query"),
		frozen("writer 1", 8*time.Second, "ingest", "query", "writer 2"), // longer than bus.ack_wait
		poisoned(),
		session("read-only", "ALTER DATABASE postgres SET default_transaction_read_only = on", "ALTER DATABASE postgres RESET default_transaction_read_only",
			5*time.Second, "ingest"),
		{
			name: "NATS killed", hold: 4 * time.Second, begin: func(f *fire) { f.nats.kill() }, end: func(f *fire) { f.nats.run() },
			unready: every(4*time.Second, "ingest"), stays: []string{"query"},
		},
		killed("writer 2", 5*time.Second, "ingest", "query", "writer 1"),
		{
			name: "disk of the queue full", hold: 10 * time.Second, begin: func(f *fire) { f.queueDisk.Fill() }, end: (*fire).freeQueueDisk,
			unready: every(8*time.Second, "ingest"), stays: []string{"query"},
		},
		locked("ingest_batch", 5*time.Second),
		{
			name: "every backend ended, again and again", hold: 3 * time.Second, begin: func(f *fire) {
				for range 10 {
					f.execute(endBackends)
					f.hold(300 * time.Millisecond)
				}
			}, stays: []string{"ingest"},
		},
		stalled("ingest-bus", 6*time.Second, "query", "writer 1", "writer 2"),
		{
			name: "both writers killed", hold: 4 * time.Second, begin: func(f *fire) {
				for _, w := range f.writers {
					w.kill()
				}
			}, end: func(f *fire) {
				for _, w := range f.writers {
					w.run()
				}
			}, unready: every(2*time.Second, both...), stays: []string{"ingest", "query"},
		},
		session("statement_timeout of 2 ms", "ALTER DATABASE postgres SET statement_timeout = 2", "ALTER DATABASE postgres RESET statement_timeout", 5*time.Second, "ingest"),
		resets("writer-bus", "ingest", "query"),
		{
			name: "PostgreSQL killed", hold: 4 * time.Second, begin: (*fire).killPostgres, end: (*fire).startPostgres,
			unready: every(database, "query", "writer 1", "writer 2"), stays: []string{"ingest"},
		},
		frozen("ingest", 6*time.Second, "query", "writer 1", "writer 2"),
		cut("ingest-bus", 5*time.Second, every(bus, "ingest"), "query", "writer 1", "writer 2"),
		{name: "consumers deleted", hold: time.Second, begin: (*fire).deleteConsumers, stays: []string{"ingest", "query"}},
		session("no connections", "ALTER DATABASE postgres ALLOW_CONNECTIONS false", "ALTER DATABASE postgres ALLOW_CONNECTIONS true", 6*time.Second, "ingest"),
		resets("writer-postgres", "ingest", "query"),
		{
			name: "janitor killed in its merges", hold: 5 * time.Second, begin: func(f *fire) {
				for range 5 {
					f.janitor.kill()
					f.janitor.run()
					f.hold(time.Second)
				}
			}, stays: []string{"ingest", "query", "writer 1", "writer 2"},
		},
		{
			name: "NATS frozen", hold: 6 * time.Second, begin: func(f *fire) { f.nats.signal(syscall.SIGSTOP) }, end: func(f *fire) { f.nats.signal(syscall.SIGCONT) },
			stays: []string{"query"},
		},
		locked("spans_segment", 5*time.Second),
		{
			name: "disk of PostgreSQL full", hold: 8 * time.Second, begin: func(f *fire) { f.databaseDisk.Fill() }, end: (*fire).freeDatabaseDisk,
			stays: []string{"ingest"},
		},
		stalled("writer-postgres", 6*time.Second, "ingest", "query"),
		{
			name: "PostgreSQL frozen", hold: 8 * time.Second, begin: func(f *fire) { f.signalPostgres(syscall.SIGSTOP) }, end: func(f *fire) { f.signalPostgres(syscall.SIGCONT) },
			stays: []string{"ingest"},
		},
		cut("writer-bus", 5*time.Second, every(bus, both...), "ingest", "query"),
		{name: "another limit of messages, role by role", hold: time.Second, begin: (*fire).reconfigure},
		{
			name: "drained streams deleted", hold: 2 * time.Second, begin: (*fire).deleteStreams, end: func(f *fire) { f.ingest.signal(syscall.SIGCONT) },
			stays: []string{"query"},
		},
		cut("query-postgres", 4*time.Second, every(database, "query"), "ingest", "writer 1", "writer 2"),
		scaled(), janitorKilledInDrops(),
	}...)
}

// scaled has two more writers come and go.
func scaled() failure {
	var more []*process
	return failure{
		name: "writers up to four and down to two", hold: 4 * time.Second, begin: func(f *fire) {
			more = nil
			for range 2 {
				p, health := f.writer()
				f.ready(health)
				more = append(more, p)
			}
		}, end: func(*fire) {
			for _, p := range more {
				p.stop()
			}
		}, stays: []string{"ingest", "query", "writer 1", "writer 2"},
	}
}

// janitorKilledInDrops has partitions of more than a year ago, which the janitor is about to drop, and kills it in the middle again and again. In the end
// they are gone, and each is on record once: a drop and its record are one.
func janitorKilledInDrops() failure {
	var old []string
	var before int64 // the last record: rounds may draw the same days, which are dropped anew then
	partitions := func(f *fire) (names []string) {
		f.t.Helper()
		c := f.connect("postgres")
		defer func() { _ = c.Close(context.WithoutCancel(f.t.Context())) }()
		rows, err := c.Query(f.t.Context(), `SELECT p.partition FROM partitioned_table t, partitions(t.table_name) p
			WHERE p.leaf = t.leaf AND p.from_ns < extract(epoch FROM now() - interval '300 days')::bigint * 1000000000`)
		require.NoError(f.t, err)
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(f.t, err)
		return names
	}
	return failure{
		name: "janitor killed in its drops", begin: func(f *fire) {
			c := f.connect("postgres")
			from := time.Now().AddDate(-2, 0, 0).Add(time.Duration(rand.IntN(300*24)) * time.Hour)
			_, err := c.Exec(f.t.Context(), `SELECT ensure_partitions($1, $2, $1)`, from.UnixNano(), from.AddDate(0, 0, 15).UnixNano())
			require.NoError(f.t, err)
			require.NoError(f.t, c.QueryRow(f.t.Context(), `SELECT coalesce(max(audit_id), 0) FROM janitor_audit`).Scan(&before))
			require.NoError(f.t, c.Close(f.t.Context()))
			old = partitions(f)
			for n := 0; n < 10 && len(partitions(f)) > 0; n++ {
				f.janitor.kill()
				f.janitor.run()
				f.hold(time.Duration(300+rand.IntN(900)) * time.Millisecond)
			}
		}, end: func(f *fire) {
			waitFor(f.t, time.Minute, "what has expired is dropped", func() bool { return len(partitions(f)) == 0 })
			c := f.connect("postgres")
			defer func() { _ = c.Close(context.WithoutCancel(f.t.Context())) }()
			var records, targets int
			require.NotEmpty(f.t, old)
			require.NoError(f.t, c.QueryRow(f.t.Context(), `SELECT count(*), count(DISTINCT target) FROM janitor_audit
				WHERE action = 'drop' AND target = ANY($1) AND audit_id > $2`, old, before).Scan(&records, &targets))
			require.Equal(f.t, targets, records, "records of drops that are there twice")
			require.NotZero(f.t, targets)
		}, stays: []string{"ingest", "query", "writer 1", "writer 2"},
	}
}

// clockFaults are clocks that jump.
func clockFaults() []failure {
	all := []string{"ingest", "query", "writer 1", "writer 2"}
	const hour, day = time.Hour, 24 * time.Hour
	pid := func(f *fire, role string) int { return f.processes()[role].cmd.Process.Pid }
	machine := func(f *fire, offset time.Duration) {
		pids := []int{f.nats.cmd.Process.Pid}
		for _, p := range f.processes() {
			pids = append(pids, p.cmd.Process.Pid)
		}
		jump(f.t, offset, pids...)
		// Its children are born with the postmaster's clock; who is there may end in the meantime.
		parent := f.postmaster()
		jump(f.t, offset, parent)
		for _, backend := range f.backends(parent) {
			_ = setClock(backend, offset)
		}
	}
	return []failure{
		{
			name: "clock of ingest: ±1 h, ±2 days", begin: func(f *fire) {
				for _, offset := range []time.Duration{hour, -hour, 2 * day, -2 * day} {
					jump(f.t, offset, pid(f, "ingest"))
					f.hold(2 * time.Second)
				}
			}, end: func(f *fire) { jump(f.t, 0, pid(f, "ingest")) }, stays: all,
		},
		{
			// What the first holds longer than it may is given to the second, for which it is another day.
			name: "clocks of the writers six days apart, one frozen", begin: func(f *fire) {
				jump(f.t, 3*day, pid(f, "writer 1"))
				jump(f.t, -3*day, pid(f, "writer 2"))
				f.hold(2 * time.Second)
				f.writers[0].signal(syscall.SIGSTOP)
				f.hold(8 * time.Second)
				f.writers[0].signal(syscall.SIGCONT)
				f.hold(2 * time.Second)
			}, end: func(f *fire) { jump(f.t, 0, pid(f, "writer 1"), pid(f, "writer 2")) }, stays: []string{"ingest", "query", "writer 2"},
		},
		{
			name: "clock of the janitor: ±400 days", begin: func(f *fire) {
				for _, offset := range []time.Duration{400 * day, -400 * day} {
					jump(f.t, offset, pid(f, "janitor"))
					f.hold(4 * time.Second)
				}
			}, end: func(f *fire) { jump(f.t, 0, pid(f, "janitor")) }, stays: all,
		},
		{
			name: "clock of the machine: ±1 h, ±23 h", begin: func(f *fire) {
				for _, offset := range []time.Duration{hour, -hour, 23 * hour, -23 * hour} {
					machine(f, offset)
					f.hold(3 * time.Second)
				}
			}, end: func(f *fire) { machine(f, 0) }, stays: []string{"ingest", "query"},
		},
	}
}

const endBackends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'postgres'"

func killed(role string, hold time.Duration, stays ...string) failure {
	return failure{
		name: role + " killed", hold: hold, begin: func(f *fire) { f.processes()[role].kill() }, end: func(f *fire) { f.processes()[role].run() },
		unready: map[string]time.Duration{role: 2 * time.Second}, stays: stays,
	}
}

func frozen(role string, hold time.Duration, stays ...string) failure {
	return failure{
		name: role + " frozen", hold: hold, begin: func(f *fire) { f.processes()[role].signal(syscall.SIGSTOP) },
		end: func(f *fire) { f.processes()[role].signal(syscall.SIGCONT) }, unready: map[string]time.Duration{role: 3 * time.Second}, stays: stays,
	}
}

func cut(link string, hold time.Duration, unready map[string]time.Duration, stays ...string) failure {
	return failure{
		name: link + " cut", hold: hold, begin: func(f *fire) { f.links.cut(link) }, end: func(f *fire) { f.links.mend(link) },
		unready: unready, stays: stays,
	}
}

func stalled(link string, hold time.Duration, stays ...string) failure {
	return failure{name: link + " stalled", hold: hold, begin: func(f *fire) { f.links.stall(link) }, end: func(f *fire) { f.links.flow(link) }, stays: stays}
}

func resets(link string, stays ...string) failure {
	return failure{name: link + " reset 10 times", hold: 3 * time.Second, begin: func(f *fire) {
		for range 10 {
			f.links.reset(link)
			f.hold(300 * time.Millisecond)
		}
	}, stays: stays}
}

// session is a fault that a setting of the database is to every new session.
func session(name, begin, end string, hold time.Duration, stays ...string) failure {
	return failure{
		name: "PostgreSQL: " + name, hold: hold, begin: func(f *fire) { f.execute(begin, endBackends) },
		end: func(f *fire) { f.execute(end, endBackends) }, stays: stays,
	}
}

// locked is a table that somebody keeps for himself.
func locked(table string, hold time.Duration) failure {
	var session *pgx.Conn
	return failure{
		name: table + " locked", hold: hold, begin: func(f *fire) {
			session = f.connect("postgres")
			_, err := session.Exec(f.t.Context(), "BEGIN; LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE")
			require.NoError(f.t, err)
		},
		end:   func(f *fire) { require.NoError(f.t, session.Close(f.t.Context())) },
		stays: []string{"ingest"},
	}
}

// poisoned publishes what ingest never would.
func poisoned() failure {
	return failure{name: "poison", hold: 2 * time.Second, begin: func(f *fire) {
		noise := make([]byte, 500)
		for i := range noise {
			noise[i] = byte(rand.Uint32())
		}
		for _, signal := range []string{"traces", "logs", "metrics"} {
			for n, message := range []nats.Msg{
				{Data: noise}, // no envelope
				{Data: noise, Header: nats.Header{"Olly-Schema": {"1"}, "Olly-Tenant": {"default"}, "Olly-Items": {"-1"}}},
				{Data: nil, Header: nats.Header{"Olly-Schema": {"x"}}},
				{Data: noise, Header: nats.Header{
					"Olly-Schema": {"1"}, "Olly-Tenant": {"default"}, "Olly-Items": {"1"}, "Olly-Encoding": {"s2"}, "Olly-Size": {"100"},
					"Olly-Received": {strconv.FormatInt(time.Now().UnixNano(), 10)}, nats.MsgIdHdr: {fmt.Sprintf("%032x", rand.Uint64())},
				}},
				{Data: noise, Header: nats.Header{"Olly-Schema": {"1"}, "Olly-Tenant": {strings.Repeat("x", 200)}}},
			} {
				message.Subject = "otlp." + signal + ".default"
				_, err := f.js.PublishMsg(f.t.Context(), &message)
				require.NoError(f.t, err, "%s %d", signal, n)
				f.poison++
			}
		}
	}, stays: []string{"ingest", "query", "writer 1", "writer 2"}}
}

func (f *fire) postmaster() int {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.layout.postgres, "postmaster.pid"))
	require.NoError(f.t, err)
	line, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	require.NoError(f.t, err)
	return pid
}

func (f *fire) killPostgres() {
	f.t.Helper()
	require.NoError(f.t, syscall.Kill(f.postmaster(), syscall.SIGKILL))
	<-f.database.Done()
}

// signalPostgres reaches the postmaster and all its backends.
func (f *fire) signalPostgres(signal syscall.Signal) {
	f.t.Helper()
	parent := f.postmaster()
	if signal == syscall.SIGSTOP { // no child is born while the others are looked for
		require.NoError(f.t, syscall.Kill(parent, signal))
	}
	for _, pid := range f.backends(parent) {
		_ = syscall.Kill(pid, signal) // it may have ended
	}
	require.NoError(f.t, syscall.Kill(parent, signal))
}

// backends are the processes that a postmaster has started.
func (f *fire) backends(parent int) (pids []int) {
	f.t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(f.t, err)
	for _, path := range entries {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
		if len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			require.NoError(f.t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

// freeDatabaseDisk gives PostgreSQL room. It stops by itself when it cannot write its log: then somebody starts it again.
func (f *fire) freeDatabaseDisk() {
	f.t.Helper()
	f.databaseDisk.Free()
	select {
	case <-f.database.Done():
		f.startPostgres()
	case <-time.After(time.Second):
	}
}

// freeQueueDisk gives NATS room, and starts it again: it keeps a stream's write error for ever (docs/reliability.md).
func (f *fire) freeQueueDisk() {
	f.t.Helper()
	f.queueDisk.Free()
	f.nats.stop()
	f.nats.run()
}

func (f *fire) deleteConsumers() {
	f.t.Helper()
	for _, signal := range []string{"TRACES", "LOGS", "METRICS"} {
		stream, err := f.js.Stream(f.t.Context(), "OLLY_"+signal)
		require.NoError(f.t, err)
		names := stream.ConsumerNames(f.t.Context())
		for name := range names.Name() {
			require.NoError(f.t, stream.DeleteConsumer(f.t.Context(), name))
		}
		require.NoError(f.t, names.Err())
	}
}

// deleteStreams waits, with nobody at the door, until the queue is empty, and deletes its streams: whoever needs them makes them again.
func (f *fire) deleteStreams() {
	f.t.Helper()
	f.ingest.signal(syscall.SIGSTOP)
	f.settledBut(f.poison)
	f.hold(3 * time.Second) // writers look once a second: what was in a stream when they last looked counts as lost with it
	for _, signal := range []string{"TRACES", "LOGS", "METRICS"} {
		require.NoError(f.t, f.js.DeleteStream(f.t.Context(), "OLLY_"+signal))
	}
}

// reconfigure gives ingest and the writers other limits, one after another, as a rolling update does; the next time it takes them back.
func (f *fire) reconfigure() {
	f.t.Helper()
	const variable = "OLLY_BUS_MAX_MESSAGE_BYTES="
	for _, p := range append([]*process{f.ingest}, f.writers...) {
		p.stop()
		kept := p.environment[:0:0]
		for _, v := range p.environment {
			if !strings.HasPrefix(v, variable) {
				kept = append(kept, v)
			}
		}
		if len(kept) == len(p.environment) {
			kept = append(kept, variable+"128KiB")
		}
		p.environment = kept
		p.run()
		f.hold(time.Second)
	}
}

func (p *process) signal(signal syscall.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(signal), p.name)
}
