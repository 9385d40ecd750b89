// Package allinone is the five roles in one process, with an embedded NATS server and a local PostgreSQL that it starts itself: for a
// laptop. The roles share a process, not state: each opens its own pool and its own bus connection, as it would in a process of its own.
package allinone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/services/ingest"
	"github.com/ollyscale/ollyscale/services/janitor"
	"github.com/ollyscale/ollyscale/services/migrator"
	"github.com/ollyscale/ollyscale/services/query"
	"github.com/ollyscale/ollyscale/services/writer"
)

//go:generate go run ./cmd/pages -root ../..

// Config is that of the process and those of the roles in it. Their bus and database addresses and what they demand of senders are set by
// Run; the process has one operations listener, so those of the roles have no effect.
type Config struct {
	DataDir  string            `mapstructure:"data_dir" usual:"true" doc:"Where everything is kept; empty for $XDG_DATA_HOME/ollyscale, as root /var/lib/ollyscale."`
	Postgres PostgresConfig    `mapstructure:"postgres" usual:"url,bin,port"`
	NATS     NATSConfig        `mapstructure:"nats" usual:"stream_max_bytes"`
	Ops      service.OpsConfig `mapstructure:"ops"`
	Auth     auth.Config       `mapstructure:"auth" usual:"mode"`

	Ingest   ingest.Config   `mapstructure:"ingest" usual:"grpc.address,http.address"`
	Writer   writer.Config   `mapstructure:"writer" usual:"-"`
	Query    query.Config    `mapstructure:"query" usual:"http.address"`
	Janitor  janitor.Config  `mapstructure:"janitor" usual:"-"`
	Migrator migrator.Config `mapstructure:"migrator" usual:"-"`

	// Output is where a person reads the progress; nil is silent.
	Output io.Writer `mapstructure:"-"`
}

// DefaultConfig listens on this machine only: UI and API on 8080, OTLP on 4317 and 4318, PostgreSQL on 15432.
func DefaultConfig() Config {
	c := Config{
		Postgres: PostgresConfig{Port: 15432},
		NATS:     NATSConfig{StreamMaxBytes: 2 << 30, SyncInterval: time.Second},
		Auth:     auth.DefaultConfig(),
		Ingest:   ingest.DefaultConfig(),
		Writer:   writer.DefaultConfig(),
		Query:    query.DefaultConfig(),
		Janitor:  janitor.DefaultConfig(),
		Migrator: migrator.DefaultConfig(),
	}
	c.Writer.Ops.Address, c.Janitor.Ops.Address = "", ""
	return c
}

// Validate names the keys that are wrong.
func (c Config) Validate() error {
	var p settings.Problems
	p.Section("postgres", c.Postgres.Validate())
	settings.AtLeast(&p, "nats.stream_max_bytes", c.NATS.StreamMaxBytes, 64<<20)
	settings.NotNegative(&p, "nats.sync_interval", c.NATS.SyncInterval)
	shared := ownSnapshotKey(c.Auth)
	wrong := shared.Validate()
	p.Section("auth", wrong)
	for role, own := range map[string]auth.Config{"ingest.auth": c.Ingest.Auth, "query.auth": c.Query.Auth} {
		// Who demands keys of one role must not find it open: there is one door to all of them.
		if own != auth.DefaultConfig() {
			p.Refuse(role, "has no effect here: set auth, which holds for every role")
		}
	}
	if wrong == nil { // else each role would say it again
		c.Ingest.Auth, c.Query.Auth = shared, shared
	}
	p.Section("ingest", c.Ingest.Validate())
	p.Section("writer", c.Writer.Validate())
	p.Section("query", c.Query.Validate())
	p.Section("janitor", c.Janitor.Validate())
	p.Section("migrator", c.Migrator.Validate())
	return p.Err()
}

// ownSnapshotKey fills in the key that only this process uses, a new one each time it starts.
func ownSnapshotKey(c auth.Config) auth.Config {
	if c.SnapshotKey == "" {
		c.SnapshotKey = settings.NewSecret()
	}
	return c
}

// Service is all of ollyScale.
type Service struct {
	cfg      Config
	env      service.Env
	progress progress
	ready    chan struct{}
	database string
}

// New checks the configuration; everything else happens in Run.
func New(cfg Config, env service.Env) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.DataDir == "" {
		cfg.DataDir = defaultDataDir()
	}
	cfg.Auth = ownSnapshotKey(cfg.Auth)
	cfg.Ingest.Auth, cfg.Query.Auth = cfg.Auth, cfg.Auth
	for _, c := range []service.Condition{service.Database, janitorPart, writerPart, ingestPart} { // until addRoles knows better
		env.Health.Register(c, func(context.Context) error { return errNotStarted.New("not started yet") })
	}
	return &Service{cfg: cfg, env: env, progress: progress{out: cfg.Output, now: env.Now}, ready: make(chan struct{})}, nil
}

// Ready is closed when every role is ready to serve.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// DatabaseURL is the URL of the database for its superuser, with the password; read it after Ready, and show it to nobody.
func (s *Service) DatabaseURL() string { return s.database }

// Run starts everything in order, serves until ctx ends or a part fails, and stops everything in the reverse order, so that nothing
// accepted is lost and little is left in the queue:
//
//	lock the data directory
//	 └─ nats ─── postgres ─── migrator (to its end) ─── janitor ─── query ─── writer ─── ingest
//	    <───────────────────────────────────────────────────────────────────────────  stop
func (s *Service) Run(ctx context.Context) error {
	err := s.run(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil // stopped while it was starting
	}
	return err
}

func (s *Service) run(ctx context.Context) error {
	begin := s.env.Now()
	s.progress.line("ollyScale %s", service.Version())
	dir, err := openDataDir(s.cfg.DataDir)
	if err != nil {
		return err
	}
	defer dir.close()
	if err := s.checkPorts(ctx, dir); err != nil {
		return err
	}
	group := service.Group{Log: s.env.Log}

	done := s.progress.step("bus")
	nats, err := startNATS(ctx, s.cfg.NATS, dir.join("nats"), s.env.Log)
	if err != nil {
		return err
	}
	defer nats.stop() // again, where the group did not run
	group.Add("nats", nats.run)
	s.env.Health.Register(embeddedQueue, nats.health)
	done("NATS JetStream in this process")

	stop, err := s.startDatabase(ctx, dir, &group)
	if err != nil {
		return err
	}
	defer stop()
	if err := s.migrate(ctx); err != nil {
		return err
	}

	if err := s.addRoles(ctx, &group, func(c bus.Config) bus.Config { return busConfig(c, s.cfg.NATS, nats) }); err != nil {
		return err
	}
	group.Add("ready", func(ctx context.Context) error {
		s.announce(ctx, dir.path, begin)
		<-ctx.Done()
		s.progress.line("stopping …")
		return nil
	})
	err = group.Run(ctx)
	s.progress.line("stopped; the data is in %s", dir.path)
	return err
}

// startDatabase finds or starts PostgreSQL and makes sure that there is a database. stop is idempotent.
func (s *Service) startDatabase(ctx context.Context, dir *dataDir, group *service.Group) (stop func(), err error) {
	done := s.progress.step("database")
	if s.cfg.Postgres.URL != "" {
		s.database = s.cfg.Postgres.URL
		done("PostgreSQL at " + redacted(s.database))
		return func() {}, nil
	}
	binDir, err := findPostgres(s.cfg.Postgres.Bin)
	if err != nil {
		return nil, err
	}
	local, err := startPostgres(ctx, s.cfg.Postgres, binDir, dir, s.env.Log)
	if err != nil {
		return nil, err
	}
	stop = func() { _ = local.stop(context.WithoutCancel(ctx)) }
	if err := createDatabase(ctx, local.current.URL("postgres")); err != nil {
		stop()
		return nil, err
	}
	s.database = local.url()
	group.Add("postgres", local.run)
	done("PostgreSQL from " + binDir)
	return stop, nil
}

// createDatabase makes the database of a new cluster. Where the server counts statements, its database postgres is where that is read: what is not of
// ollyScale's schema does not belong into its database.
func createDatabase(ctx context.Context, url string) error {
	cfg := postgres.DefaultConfig()
	cfg.URL, cfg.MaxConnections = url, 1
	pool, err := postgres.Open(ctx, cfg, "ollyscale")
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.Exec(ctx, `DO $$
		BEGIN
			IF current_setting('shared_preload_libraries') LIKE '%pg_stat_statements%'
				AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements') THEN
				CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
			END IF;
		END $$`)
	if err != nil {
		return fmt.Errorf("count statements: %w", postgres.Classify(err))
	}
	var exists bool
	if err := pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", databaseName).Scan(&exists); err != nil {
		return fmt.Errorf("look for the database: %w", postgres.Classify(err))
	}
	if exists {
		return nil
	}
	if _, err := pool.Exec(ctx, "CREATE DATABASE "+databaseName); err != nil {
		return fmt.Errorf("create the database: %w", postgres.Classify(err))
	}
	return nil
}

func (s *Service) migrate(ctx context.Context) error {
	done := s.progress.step("schema")
	cfg := s.cfg.Migrator
	cfg.Command, cfg.Postgres.URL = migrator.Up, s.database
	m, err := migrator.New(cfg, s.env.Role("migrator"))
	if err != nil {
		return fmt.Errorf("migrator: %w", err)
	}
	if err := m.Run(ctx); err != nil {
		return fmt.Errorf("migrator: %w", err)
	}
	done("up to date")
	return nil
}

// addRoles builds the roles, each with an environment of its own, and adds them in the order in which they may stop last.
func (s *Service) addRoles(ctx context.Context, group *service.Group, connect func(bus.Config) bus.Config) (err error) {
	janitorConfig, queryConfig, writerConfig, ingestConfig := s.cfg.Janitor, s.cfg.Query, s.cfg.Writer, s.cfg.Ingest
	for _, p := range []*postgres.Config{&janitorConfig.Postgres, &queryConfig.Postgres, &writerConfig.Postgres} {
		p.URL = s.database
	}
	tellEndpoints(&queryConfig, ingestConfig)
	for _, b := range []*bus.Config{&queryConfig.Bus, &writerConfig.Bus, &ingestConfig.Bus} {
		*b = connect(*b)
	}
	var built []service.Role
	defer func() {
		if err != nil { // a role closes what New opened when it runs
			ended, cancel := context.WithCancel(context.WithoutCancel(ctx))
			cancel()
			for _, role := range built {
				_ = role.Run(ended)
			}
		}
	}()
	queryEnv := s.env.Role("query")
	queryEnv.Health = s.env.Health // one /health tells of the whole process, on query's port and on that of operations
	for _, role := range []struct {
		name string
		part *service.Condition // what the process tells of it
		env  service.Env
		make func(service.Env) (service.Role, error)
	}{
		{"janitor", &janitorPart, s.env.Role("janitor"), func(e service.Env) (service.Role, error) { return janitor.New(janitorConfig, e) }}, //nolint:contextcheck // New starts nothing
		{"query", nil, queryEnv, func(e service.Env) (service.Role, error) { return query.New(queryConfig, e) }},                             //nolint:contextcheck // New starts nothing
		{"writer", &writerPart, s.env.Role("writer"), func(e service.Env) (service.Role, error) { return writer.New(writerConfig, e) }},      //nolint:contextcheck // New starts nothing
		{"ingest", &ingestPart, s.env.Role("ingest"), func(e service.Env) (service.Role, error) { return ingest.New(ingestConfig, e) }},      //nolint:contextcheck // New starts nothing
	} {
		r, err := role.make(role.env)
		if err != nil {
			return fmt.Errorf("%s: %w", role.name, err)
		}
		built = append(built, r)
		group.Add(role.name, r.Run)
		if role.part != nil { // query's conditions are those of the process
			s.env.Health.Register(*role.part, role.env.Health.Check)
		}
	}
	return nil
}

// tellEndpoints lets query tell where this process takes OTLP, unless somebody has set what it tells.
func tellEndpoints(q *query.Config, in ingest.Config) {
	usual := query.DefaultConfig().OTLP
	for _, e := range []struct {
		told           *string
		usual, address string
		tls            bool
	}{
		{&q.OTLP.HTTPURL, usual.HTTPURL, in.HTTP.Address, false},
		{&q.OTLP.GRPCURL, usual.GRPCURL, in.GRPC.Address, in.GRPC.TLSCertFile != ""},
	} {
		if host, port, err := net.SplitHostPort(e.address); err == nil && *e.told == e.usual {
			if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
				host = "" // that by which the interface is reached
			}
			scheme := "http://"
			if e.tls {
				scheme = "https://"
			}
			*e.told = scheme + net.JoinHostPort(host, port)
		}
	}
}

// announce waits until every role is ready and shows where they are.
func (s *Service) announce(ctx context.Context, dir string, begin time.Time) {
	done := s.progress.step("services")
	const patience = 30 * time.Second
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; {
		err := s.env.Health.Check(ctx)
		if err == nil {
			break
		}
		if !told && s.env.Now().Sub(begin) > patience && ctx.Err() == nil {
			told = true
			s.progress.line("  still waiting: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
	done("ingest, writer, query, janitor")
	s.progress.line("")
	rows := [][2]string{
		{"Web interface", "http://" + reachable(s.cfg.Query.HTTP.Address) + s.cfg.Query.BasePath},
		{"OTLP/gRPC", "http://" + reachable(s.cfg.Ingest.GRPC.Address)},
		{"OTLP/HTTP", "http://" + reachable(s.cfg.Ingest.HTTP.Address)},
		{"PostgreSQL", redacted(s.database)},
		{"Data", dir},
	}
	if s.cfg.Postgres.URL == "" {
		rows = slices.Insert(rows, 4, [2]string{"", "PGPASSFILE=" + filepath.Join(dir, psqlFile)})
	}
	s.progress.box(fmt.Sprintf("ollyScale is ready after %s", s.env.Now().Sub(begin).Round(100*time.Millisecond)), rows)
	for _, line := range s.hints(dir) {
		s.progress.line("%s", line)
	}
	close(s.ready)
}

// hints are what somebody may do next who sees a new ollyScale.
func (s *Service) hints(dir string) []string {
	if !s.cfg.Auth.Required() {
		return []string{"Try it: ollyscale demo (or make demo). Stop with Ctrl-C."}
	}
	database := ""
	switch {
	case s.cfg.Postgres.URL != "":
		database = " --postgres URL"
	case dir != defaultDataDir():
		database = " --data-dir " + dir
	}
	return []string{
		"Make a key: ollyscale keys create --name me --scopes ingest,query" + database,
		"Log in with it, or try ollyscale demo --headers x-api-key=KEY. Stop with Ctrl-C.",
	}
}

// checkPorts finds a taken port before anything is started. The port of the database may be taken by its own server of a moment ago: one
// whose ollyScale was killed, which startPostgres ends.
func (s *Service) checkPorts(ctx context.Context, dir *dataDir) error {
	sends, asks := s.cfg.Ingest.Auth.Required(), s.cfg.Query.Auth.Required()
	ports := []service.Port{
		{What: "OTLP/gRPC", Address: s.cfg.Ingest.GRPC.Address, Setting: "--ingest-grpc-address", Authenticated: sends},
		{What: "OTLP/HTTP", Address: s.cfg.Ingest.HTTP.Address, Setting: "--ingest-http-address", Authenticated: sends},
		{What: "web interface", Address: s.cfg.Query.HTTP.Address, Setting: "--query-http-address", Authenticated: asks},
	}
	orphan, _ := server.Previous(dir.join("postgres"))
	if port := s.cfg.Postgres.Port; s.cfg.Postgres.URL == "" && port != 0 && port != orphan {
		ports = append(ports, service.Port{What: "PostgreSQL", Address: fmt.Sprintf("127.0.0.1:%d", port), Setting: "--postgres-port"})
	}
	for _, p := range ports {
		if err := s.env.MayListen(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// reachable turns an address to listen on into one to open.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

func redacted(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Query().Has("password") { // key=value pairs may hold a password, too
		return "(a connection string)"
	}
	return u.Redacted()
}
