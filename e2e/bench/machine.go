package bench

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/migrate"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/schema"
)

// machine is the servers of a bench: PostgreSQL for all of it, and the queue of the case that runs.
type machine struct {
	*queue
	options    options
	dir        string
	pg         *server.Server
	postmaster int
	conn       *pgx.Conn // to database postgres
	queues     int       // made so far
}

// statementsFile is the variable that names a file for what PostgreSQL did in a run, statement by statement: counting them costs it a little, so a run of
// which figures are told is without.
const statementsFile = "OLLY_BENCH_STATEMENTS"

// Settings as docs advise for a server of this size; durable, and without autovacuum's noise while timing.
func settings() map[string]string {
	out := map[string]string{
		"shared_buffers": "1GB", "max_wal_size": "16GB", "checkpoint_timeout": "30min", "synchronous_commit": "on", "fsync": "on",
		"autovacuum": "off", "jit": "off", "max_connections": "100",
	}
	if os.Getenv(statementsFile) != "" {
		out["shared_preload_libraries"] = "pg_stat_statements"
	}
	return out
}

// tellStatements writes what the server did to the file that somebody asked for.
func (m *machine) tellStatements(ctx context.Context) error {
	path := os.Getenv(statementsFile)
	if path == "" || m.conn == nil {
		return nil
	}
	if _, err := m.conn.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"); err != nil {
		return err
	}
	rows, err := m.conn.Query(ctx, `SELECT calls, total_exec_time, wal_bytes::bigint, regexp_replace(query, '\s+', ' ', 'g')
		FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 50`)
	if err != nil {
		return err
	}
	var (
		out        bytes.Buffer
		calls, wal int64
		ms         float64
		query      string
	)
	fmt.Fprintln(&out, "calls\tms\tWAL bytes\tstatement")
	if _, err := pgx.ForEachRow(rows, []any{&calls, &ms, &wal, &query}, func() error {
		fmt.Fprintf(&out, "%d\t%.1f\t%d\t%s\n", calls, ms, wal, query)
		return nil
	}); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o600)
}

// startMachine starts PostgreSQL, with a database to copy that has this build's schema, and a queue.
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
	given := o.settings
	if given == nil {
		given = settings()
	}
	if m.pg, err = server.Start(ctx, server.Config{BinDir: bin, DataDir: data, Settings: given}); err != nil {
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
	migrations, err := fs.Sub(schema.Migrations, schema.Dir)
	if err != nil {
		return nil, err
	}
	if err = m.makeTemplate(ctx, ownTemplate, migrations); err != nil {
		return nil, err
	}
	return m, m.renewQueue(ctx, "")
}

// inTempDir runs a bench in a directory of its own, which goes afterwards unless it is to be kept.
func inTempDir(pattern string, keep bool, say func(dir string), bench func(dir string) error) error {
	dir, err := os.MkdirTemp("", pattern)
	if err != nil {
		return err
	}
	if err := makePassable(dir); err != nil {
		return err
	}
	if keep {
		say(dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	return bench(dir)
}

// makePassable makes a directory, if need be, that PostgreSQL, as another user, gets through.
func makePassable(dir string) error {
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	return os.Chmod(dir, 0o711)
}

// ownTemplate is the database with this build's schema that the cases' databases are copies of.
const ownTemplate = "ready"

func (m *machine) makeTemplate(ctx context.Context, name string, migrations fs.FS) error {
	if _, err := m.conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return err
	}
	_, err := migrate.Up(ctx, migrate.Config{URL: m.pg.URL(name), Dir: migrations, Operator: "bench"})
	return err
}

func (m *machine) stop() {
	m.queue.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if m.conn != nil {
		if err := m.tellStatements(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "statements are not told:", err)
		}
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
	ops string // address of its metrics; "" without
}

// start starts a process out of the bench's own program.
func (m *machine) start(ctx context.Context, args ...string) (*process, error) {
	return m.startProgram(ctx, "", args...)
}

// startProgram starts a process out of a bench's program, "" for this one.
func (m *machine) startProgram(ctx context.Context, program string, args ...string) (*process, error) {
	if program == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		program = self
	}
	return m.startCommand(ctx, args[0], program, args...)
}

// startCommand starts any program; its output goes to a log of that name.
func (m *machine) startCommand(ctx context.Context, name, program string, args ...string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(m.dir, name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(ctx, program, args...), log: log}
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

// wait returns when a process ends by itself; an error tells what it said.
func (p *process) wait() error {
	defer func() { _ = p.log.Close() }()
	err := p.cmd.Wait()
	if err != nil {
		text, _ := os.ReadFile(p.log.Name())
		err = fmt.Errorf("%s: %w: %s", p.cmd.Args[1], err, text)
	}
	return err
}

// open makes a database with a rows window and returns its URL.
func (m *machine) open(ctx context.Context, database, rowsWindow string) (string, error) {
	return m.openFrom(ctx, ownTemplate, database, rowsWindow)
}

func (m *machine) openFrom(ctx context.Context, template, database, rowsWindow string) (string, error) {
	if _, err := m.conn.Exec(ctx, fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", database, template)); err != nil {
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

// startWriterOf starts the writer of a bench's program; args are more of its flags.
func (m *machine) startWriterOf(ctx context.Context, program, url string, args ...string) (*process, error) {
	ops, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.Concat([]string{"writer", "--bus-url", m.natsURL, "--postgres-url", url, "--ops-address", ops}, m.options.writerFlags(), args)
	p, err := m.startProgram(ctx, program, all...)
	if err == nil {
		p.ops = ops
	}
	return p, err
}
