package ceiling

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres/server"
)

// stage is an ollyScale in parts, each role in a cgroup of its own.
type stage struct {
	cfg         Config
	pg          *server.Server
	nats        *process
	roles       map[string]*process
	environment []string

	target
	writer string // address of the writer's health
}

// target is where roles are reached, each as host and port.
type target struct{ GRPC, HTTP, API string }

// inDir gives a directory that PostgreSQL, as another user, can enter.
func inDir(do func(dir string) error) error {
	dir, err := os.MkdirTemp("", "ollyceiling")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.Chmod(dir, 0o711); err != nil {
		return err
	}
	return do(dir)
}

// start starts everything and waits until each role has been at rest.
func start(ctx context.Context, cfg Config) (_ *stage, err error) {
	s := &stage{cfg: cfg, roles: map[string]*process{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, path := range []*string{&s.cfg.Bin, &s.cfg.NATSServer, &s.cfg.Postgres} {
		if *path, err = filepath.Abs(*path); err != nil {
			return nil, err
		}
	}
	var queue string
	for _, a := range []*string{&s.GRPC, &s.HTTP, &s.API, &s.writer, &queue} {
		if *a, err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	if s.pg, err = server.Start(ctx, server.Config{BinDir: s.cfg.Postgres, DataDir: filepath.Join(cfg.Dir, "postgres"), Settings: map[string]string{"max_wal_size": "8GB"}}); err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(queue)
	if err != nil {
		return nil, err
	}
	settings := filepath.Join(cfg.Dir, "nats.conf")
	// The size of messages is that of every installation of ours. Of itself a server takes for its limit three quarters of what the disk has free.
	if err := os.WriteFile(settings, []byte("max_payload: 8MB\njetstream { max_file_store: 64GB }\n"), 0o600); err != nil {
		return nil, err
	}
	s.nats = &process{name: "nats", path: s.cfg.NATSServer, args: []string{"-c", settings, "-a", host, "-p", port, "-js", "-sd", filepath.Join(cfg.Dir, "nats")}, dir: cfg.Dir}
	if err := s.nats.run(); err != nil {
		return nil, err
	}
	s.environment = []string{"OLLY_POSTGRES_URL=" + s.pg.URL("postgres"), "OLLY_BUS_URL=nats://" + queue}
	migrator := s.role("migrator", 0, "", nil, "up")
	if err := migrator.run(); err != nil {
		return nil, err
	}
	if <-migrator.done; migrator.err != nil {
		return nil, fmt.Errorf("migrator: %w: %s", migrator.err, migrator.epitaph())
	}
	query := s.role("query", queryLimit, s.API, []string{"OLLY_HTTP_ADDRESS=" + s.API})
	if err := query.restart(ctx); err != nil {
		return nil, err
	}
	s.roles[query.name] = query
	if err := s.keepsAYear(ctx); err != nil { // before the others ask how long data is kept
		return nil, err
	}
	for _, p := range []*process{
		s.role("ingest", ingestLimit, s.HTTP, []string{
			"OLLY_GRPC_ADDRESS=" + s.GRPC, "OLLY_HTTP_ADDRESS=" + s.HTTP,
			"OLLY_ADMIT_MAX_AGE_TRACES=400d", "OLLY_ADMIT_MAX_AGE_LOGS=400d", "OLLY_ADMIT_MAX_AGE_METRICS=400d",
		}),
		s.role("writer", writerLimit, s.writer, []string{"OLLY_OPS_ADDRESS=" + s.writer}),
	} {
		s.roles[p.name] = p
		if err := p.restart(ctx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// keepsAYear has what is sent for the questions kept for as long as they ask about.
func (s *stage) keepsAYear(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+s.API+"/api/retention", strings.NewReader(`{"signals":["traces","logs","metrics"],"days":400}`))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	return do(http.DefaultClient, r)
}

func (s *stage) close() error {
	var errs []error
	for _, p := range s.roles {
		errs = append(errs, p.stop())
	}
	if s.nats != nil {
		errs = append(errs, s.nats.stop())
	}
	if s.pg != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		errs = append(errs, s.pg.Stop(ctx))
	}
	return errors.Join(errs...)
}

func (s *stage) role(name string, limit int64, health string, environment []string, args ...string) *process {
	return &process{
		name: name, path: filepath.Join(s.cfg.Bin, name), args: args, environment: slices.Concat(environment, s.environment), dir: s.cfg.Dir,
		limit: limit, health: health,
	}
}

// defaultTenant is who sends without saying who.
const defaultTenant = "default"

// count is how many items of a tenant are in a table of segments.
func (s *stage) count(ctx context.Context, tenant, table string) (n int, err error) {
	conn, err := pgx.Connect(ctx, s.pg.URL("postgres"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	err = conn.QueryRow(ctx, "SELECT coalesce(sum(items), 0) FROM "+pgx.Identifier{table}.Sanitize()+" WHERE tenant_id = $1", tenant).Scan(&n)
	return n, err
}

// stored waits until there are so many.
func (s *stage) stored(ctx context.Context, tenant, table string, items int, limit time.Duration) error {
	for began := time.Now(); ; {
		n, err := s.count(ctx, tenant, table)
		switch {
		case err != nil:
			return err
		case n >= items:
			return nil
		case time.Since(began) > limit:
			return fmt.Errorf("%d of %d items of %s are stored after %s", n, items, table, limit)
		case !sleep(ctx, 300*time.Millisecond):
			return ctx.Err()
		}
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

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// process is one program, in a cgroup where it has a limit.
type process struct {
	name, path, dir string
	args            []string
	environment     []string
	limit           int64  // bytes; 0 for none
	health          string // host and port of its /health
	rest            int64  // resident bytes before anybody used it

	cage *cage
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

func (p *process) log() string { return filepath.Join(p.dir, p.name+".log") }

// run starts the program.
func (p *process) run() error {
	log, err := os.OpenFile(p.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the program has its own descriptor
	environment := p.environment
	p.cmd = exec.Command(p.path, p.args...) //nolint:noctx // it is stopped by signal
	if p.limit > 0 {
		if p.cage, err = newCage(p.name, p.limit); err != nil {
			return err
		}
		p.cmd = p.cage.command(p.path, p.args...)
		if !p.cage.limits() { // then the process is told by its own settings, and only what it uses is looked at
			const share = 0.9
			environment = append([]string{fmt.Sprintf("OLLY_MEMORY_LIMIT=%d", int64(share*float64(p.limit)))}, environment...)
		}
	}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "TMPDIR=" + os.TempDir()}, environment...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = processAttributes()
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	go func() {
		p.err = cmd.Wait()
		close(done)
	}()
	return nil
}

// restart starts the program, again where it ended, waits until it can do its work, and notes what it takes at rest.
func (p *process) restart(ctx context.Context) error {
	if p.cage != nil {
		p.cage.remove()
	}
	if err := p.run(); err != nil {
		return err
	}
	for began := time.Now(); get(ctx, http.DefaultClient, "http://"+p.health+"/health") != nil; {
		if !p.alive() || time.Since(began) > time.Minute {
			return fmt.Errorf("%s does not get ready: %s", p.name, p.epitaph())
		}
		if !sleep(ctx, 50*time.Millisecond) {
			return ctx.Err()
		}
	}
	sleep(ctx, time.Second)
	var err error
	p.rest, err = p.resident()
	return err
}

func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) stop() (err error) {
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	t := time.NewTimer(40 * time.Second)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		err = fmt.Errorf("%s did not end within 40 s of SIGTERM", p.name)
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	if p.cage != nil {
		p.cage.remove()
	}
	return err
}

// resident is the process's memory in bytes, peak the most since forgetPeak.
func (p *process) resident() (int64, error) { return memoryOf(p.cmd.Process.Pid, residentNow) }
func (p *process) peak() (int64, error)     { return memoryOf(p.cmd.Process.Pid, residentPeak) }
func (p *process) forgetPeak()              { forgetPeak(p.cmd.Process.Pid) }

// epitaph is how a process ended, and the end of its log.
func (p *process) epitaph() string {
	how := "it still runs"
	if !p.alive() {
		how = cmp.Or(fmt.Sprint(p.err), "it ended")
	}
	if p.cage != nil {
		how += p.cage.kills()
	}
	text, _ := os.ReadFile(p.log())
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return how + "; " + strings.Join(lines[max(0, len(lines)-3):], " / ")
}
