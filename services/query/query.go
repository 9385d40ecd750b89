// Package query answers searches over segments: an engine with front ends side by side on it, the HTTP API of docs/api.yaml and the web
// interface. Imports run one way:
//
//	otlpjson, columns ← filter ← engine, tail ← native ← query
//	                                       login ← query
//
// No front end knows another ([ADR-017]).
//
// [ADR-017]: ../../docs/adr/017-engine-filters-front-ends.md
package query

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/postgres/policystore"
	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/login"
	"github.com/ollyscale/ollyscale/services/query/internal/native"
	"github.com/ollyscale/ollyscale/services/query/internal/saved"
	"github.com/ollyscale/ollyscale/services/query/internal/tail"
	"github.com/ollyscale/ollyscale/services/query/web"
)

// Config is what an operator can set.
type Config struct {
	HTTP     httpserver.Config `mapstructure:"http"`
	Postgres postgres.Config   `mapstructure:"postgres"`
	Bus      bus.Config        `mapstructure:"bus"`
	Auth     auth.Config       `mapstructure:"auth"`
	Login    login.Config      `mapstructure:"login"`
	OTLP     native.OTLP       `mapstructure:"otlp"`
	Ops      service.OpsConfig `mapstructure:"ops"`

	BasePath      string        `mapstructure:"base_path" doc:"Path below which browsers reach the web interface and the API: /olly, behind a gateway that has other things beside it. Whether it hands the path on or takes it away makes no difference. Empty: the root of the host."`
	Timeout       time.Duration `mapstructure:"timeout" doc:"Time for one query; an answer that is cut by it says so."`
	HeaderCache   int64         `mapstructure:"header_cache" doc:"Most bytes of memory for what is remembered of segments that were looked at: about 8 KB for one of 4,000 spans; 0 remembers nothing."`
	FreshCache    int64         `mapstructure:"fresh_cache" doc:"Most bytes of memory for what services, calls and counts of values come to in segments that the janitor has not counted yet, or of hours that a range cuts, by minute: about 50 KB for 100 operations, 16 bytes for a span of those that were asked for a service map, 1 KB for an attribute of 20 values, 1 KB for what the header of a segment says, 8 bytes for a series of metrics, and 16 bytes for a segment of each. One query has a quarter of it at most, and what it counts beyond is counted anew; 0 counts all anew for each query."`
	ScanBudget    int64         `mapstructure:"scan_budget" doc:"Most items (spans, records, points) that one query looks at; an answer that is cut by it says so."`
	Workers       int           `mapstructure:"workers" doc:"Segments that one query decodes at a time; 0 for one to a core."`
	MaxQueries    int           `mapstructure:"max_queries" doc:"Queries answered at a time, a quarter of them over more than two days; others wait. 0 for one to 64 MiB of the memory that the process may use, from 4 to 16."`
	TenantShare   float64       `mapstructure:"tenant_share" doc:"Part of max_queries, and of what max_decoded_bytes bounds, that the queries of one tenant may have at a time, from 0 to 1; others of it wait. 0 and 1 set no limit: one tenant may have all."`
	QueueTimeout  time.Duration `mapstructure:"queue_timeout" doc:"Time that a query waits for its turn before it is told to come again; 0 for not at all."`
	MaxPageBytes  int64         `mapstructure:"max_page_bytes" doc:"Most bytes of items in one answer; a longer page or list ends there and says so. An item that is larger by itself comes alone. A trace is written in parts of as many bytes, and does not end there."`
	MaxDecoded    int64         `mapstructure:"max_decoded_bytes" doc:"Most bytes of segments that all queries have fetched and decoded at a time, half of it by those over more than two days; others wait. Half as much, of which one query has half at most, is held of figures that are added up until they are told: what is more is cut, or refused. 0 for a quarter of the memory that the process may use, and 512 MiB where that is not limited."`
	MaxTraceSpans int           `mapstructure:"max_trace_spans" doc:"Most spans of a trace in one answer, of which each takes 96 bytes of what max_decoded_bytes lets a query hold; others come by the cursor of the answer. As many are looked at for the analysis of a trace, at 512 bytes."`
	CursorKey     string        `mapstructure:"cursor_key" secret:"true" doc:"Base64 of at least 32 random bytes by which cursors are signed; every replica needs the same. Empty: a random one, so that a cursor lives as long as the process."`
	Heartbeat     time.Duration `mapstructure:"-"` // of who follows live data; not to be set
	MaxTails      int           `mapstructure:"max_tails" doc:"Clients that may follow live data at a time; a tenant's may be half of them."`
	WatchInterval time.Duration `mapstructure:"watch_interval" doc:"How often the queue is asked how far the database is behind it."`
}

// DefaultConfig serves on this machine only.
func DefaultConfig() Config {
	database := postgres.DefaultConfig()
	database.MinConnections = readyConnections
	return Config{
		HTTP:          httpserver.DefaultConfig("127.0.0.1:8080"),
		Postgres:      database,
		Bus:           bus.DefaultConfig(),
		Auth:          auth.DefaultConfig(),
		Login:         login.DefaultConfig(),
		OTLP:          native.DefaultOTLP(),
		Timeout:       30 * time.Second,
		HeaderCache:   64 << 20,
		FreshCache:    32 << 20,
		ScanBudget:    50_000_000,
		TenantShare:   0.75,
		QueueTimeout:  5 * time.Second,
		MaxPageBytes:  8 << 20,
		MaxTraceSpans: 50_000,
		MaxTails:      100,
		Heartbeat:     heartbeat,
		WatchInterval: 500 * time.Millisecond,
	}
}

// readyConnections are kept, and made ready: a page of the web interface asks two questions at a time, and a backend takes some megabytes.
const readyConnections = 2

// Validate names the keys that are wrong.
func (c Config) Validate() error {
	var p settings.Problems
	p.Section("http", c.HTTP.Validate())
	p.Section("postgres", c.Postgres.Validate())
	p.Section("bus", c.Bus.Validate())
	p.Section("auth", c.Auth.Validate())
	p.Section("login", c.Login.Validate())
	p.Section("otlp", c.OTLP.Validate())
	if oidc := c.Auth.Mode == auth.ModeOIDC; oidc != c.Login.OIDC.Enabled() {
		if oidc {
			p.Refuse("login.oidc.issuer", "is missing, and auth.mode is oidc")
		} else {
			p.Refuse("login.oidc.issuer", "names an identity provider, and nobody would be led there: set auth.mode to oidc")
		}
	}
	checkBasePath(&p, c.BasePath)
	if public := c.Login.OIDC.PublicPath(); c.Login.OIDC.Enabled() && public != c.BasePath {
		p.Refuse("login.oidc.public_url", "has the path %.100q, and browsers reach the web interface below base_path, which is %q", public, c.BasePath)
	}
	settings.Positive(&p, "timeout", c.Timeout)
	settings.NotNegative(&p, "header_cache", c.HeaderCache)
	settings.NotNegative(&p, "fresh_cache", c.FreshCache)
	settings.Positive(&p, "scan_budget", c.ScanBudget)
	settings.Between(&p, "workers", c.Workers, 0, 256)
	settings.Between(&p, "max_queries", c.MaxQueries, 0, 1000)
	settings.Between(&p, "tenant_share", c.TenantShare, 0, 1)
	settings.NotNegative(&p, "queue_timeout", c.QueueTimeout)
	settings.AtLeast(&p, "max_page_bytes", c.MaxPageBytes, 1<<10)
	if c.MaxDecoded != 0 {
		settings.AtLeast(&p, "max_decoded_bytes", c.MaxDecoded, 1<<20)
	}
	settings.Positive(&p, "max_trace_spans", c.MaxTraceSpans)
	settings.Between(&p, "max_tails", c.MaxTails, 1, 10_000)
	p.Secret("cursor_key", c.CursorKey, "for every replica")
	settings.Positive(&p, "watch_interval", c.WatchInterval)
	return p.Err()
}

// queries is how many queries a process that may use so many bytes answers at a time, 0 bytes where nothing limits it.
func (c Config) queries(memory int64) int {
	const least, most, each = 4, 16, 64 << 20
	switch {
	case c.MaxQueries > 0:
		return c.MaxQueries
	case memory > 0:
		return int(min(max(memory/each, least), most))
	}
	return most
}

// leastDecoded is two waves of a query and what is made of them; with less, queries wait for each other however little memory there is.
const leastDecoded = 64 << 20

// decoded is the budget of a process that may use so many bytes, 0 where nothing limits it.
func (c Config) decoded(memory int64) int64 {
	const unlimited = 512 << 20
	switch {
	case c.MaxDecoded > 0:
		return c.MaxDecoded
	case memory > 0:
		return max(memory/4, leastDecoded)
	}
	return unlimited
}

// Service answers queries. It writes no telemetry; at an administrator's word it makes keys, says how long data is kept, and replays or drops dead letters;
// at an editor's, it keeps queries.
type Service struct {
	cfg    Config
	env    service.Env
	pool   *pgxpool.Pool
	bus    *bus.Bus
	engine *engine.Engine
	server *httpserver.Server
	auth   *auth.Authenticator
	keys   *keystore.Store // nil where none are demanded, as is what keeps them
	keeper *keystore.Keeper
	login  *login.Login // nil where nobody has to log in
}

// New builds the service with a pool and a bus connection of its own; nothing is asked of either yet, so both may be down.
func New(cfg Config, env service.Env) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.MaxQueries = cfg.queries(env.Memory)
	cfg.MaxDecoded = cfg.decoded(env.Memory)
	if cfg.Postgres.MaxConnections == 0 {
		cfg.Postgres.MaxConnections = cfg.MaxQueries + 2 // for health checks and keys
	}
	s := &Service{cfg: cfg, env: env}
	var err error
	if s.auth, err = auth.New(cfg.Auth, env.Now); err != nil {
		return nil, err
	}
	if s.server, err = httpserver.New(cfg.HTTP, env, httpserver.Purpose{
		Name: "HTTP API", Setting: "http.address (OLLY_HTTP_ADDRESS)", Authenticated: s.auth.Required(),
	}); err != nil {
		return nil, err
	}
	ctx := context.Background()
	if s.pool, err = postgres.Open(ctx, cfg.Postgres, "ollyscale-query"); err != nil {
		return nil, err
	}
	if s.bus, err = bus.Connect(ctx, cfg.Bus, env.Log, env.Meter); err != nil {
		s.pool.Close()
		return nil, err
	}
	if err := s.routes(); err != nil {
		s.close()
		return nil, err
	}
	if s.auth.Required() {
		env.Health.Register(keysKept, s.keeper.Healthy)
	}
	env.Health.RegisterDatabase(func(ctx context.Context) service.DatabaseState {
		return service.DatabaseState(postgres.Probe(ctx, s.pool))
	})
	return s, nil
}

// heartbeat is how often who follows live data hears that there is nothing.
const heartbeat = 15 * time.Second

// compressFrom is the answer's size from which compressing it pays.
const compressFrom = 1400

// routes builds the engine and puts the front ends on it, side by side.
func (s *Service) routes() (err error) {
	cfg, e := s.cfg, s.server.Echo
	s.engine, err = engine.New(engine.Settings{
		Timeout: cfg.Timeout, HeaderCache: cfg.HeaderCache, FreshCache: cfg.FreshCache, ScanBudget: cfg.ScanBudget, Workers: cfg.Workers, Pooler: cfg.Postgres.Pooler,
		Questions: cfg.MaxQueries, TenantShare: cfg.TenantShare, Meter: s.env.Meter, Queue: cfg.QueueTimeout, Decoded: cfg.MaxDecoded, Plans: cfg.Postgres.GenericPlans,
	}, s.pool, s.bus, s.env.Now)
	if err != nil {
		return err
	}
	pages, err := newPages(web.Files(), cfg.BasePath)
	if err != nil {
		return err
	}
	if cfg.BasePath != "" {
		e.Pre(below(cfg.BasePath))
	}
	e.Use(middleware.GzipWithConfig(middleware.GzipConfig{
		Level: 1, MinLength: compressFrom, Skipper: func(c echo.Context) bool { return c.Path() == native.TailPath },
	}))
	set := native.Settings{
		Tails:         native.Tails{Hub: tail.New(s.bus, cfg.MaxTails, s.env.Log), Stop: s.server.Draining(), Again: s.again, Heartbeat: cfg.Heartbeat},
		MaxTraceSpans: cfg.MaxTraceSpans, PageBytes: cfg.MaxPageBytes, CursorKey: cfg.cursorKey(), Dead: s.bus, OTLP: cfg.OTLP,
	}
	if set.Usage, err = quotastore.New(s.pool); err != nil {
		return err
	}
	if set.Retention, err = policystore.New(s.pool); err != nil {
		return err
	}
	if set.Saved, err = saved.New(s.pool); err != nil {
		return err
	}
	if s.auth.Required() {
		if s.keys, err = keystore.New(s.pool); err != nil {
			return err
		}
		if s.keeper, err = s.keys.Keeper(s.auth.Keys(), s.bus.Snapshots(auth.SnapshotName, cfg.Auth.Seal()), s.env); err != nil {
			return err
		}
		set.Keys = s.keys
		if s.login, err = login.New(cfg.Login, cfg.BasePath, s.auth, telemetry.Tenant(cfg.Auth.DefaultTenant), s.env.Now, s.env.Log); err != nil {
			return err
		}
		s.login.Register(e)
	}
	e.Use(s.ends, s.identify)
	native.New(s.engine, set, sender, s.env.Now).Register(e)
	e.GET("/*", pages.serve)
	e.HEAD("/*", pages.serve)
	return nil
}

// ends gives every operation an end, whatever it waits for: a query has its own, which comes first. Only what is followed live goes on, and ends by itself.
func (s *Service) ends(next echo.HandlerFunc) echo.HandlerFunc {
	longest := s.cfg.Timeout + s.cfg.QueueTimeout + engine.MostAwaited
	return func(c echo.Context) error {
		if c.Path() == native.TailPath {
			return next(c)
		}
		r := c.Request()
		ctx, cancel := context.WithTimeout(r.Context(), longest)
		// Errors are written when this has returned: their request is the one that only a client who hangs up cancels.
		defer c.SetRequest(r)
		defer cancel()
		c.SetRequest(r.WithContext(ctx))
		return next(c)
	}
}

// cursorKey is a random one where none is set.
func (c Config) cursorKey() []byte {
	if c.CursorKey == "" {
		c.CursorKey = settings.NewSecret()
	}
	return settings.SecretBytes(c.CursorKey)
}

// Run serves until ctx ends.
//
//	          ┌─ watch: how far is the database behind the queue, how many are dead ── NATS
//	Run ──────┤        │ completeness
//	          ├─ ready: what new connections have to know of the catalogue is asked for before a question waits for it ── PostgreSQL
//	          ├─ keys: which are good, read from PostgreSQL and told to ingest over NATS (where they are demanded)
//	          └─ http: front ends (native API, web) ── engine: headers by SQL, scan of columns ── PostgreSQL
//
// The query service works while NATS is down; answers then do not say how complete they are.
func (s *Service) Run(ctx context.Context) error {
	defer s.close()
	group := service.Group{Log: s.env.Log, Drain: s.cfg.HTTP.DrainTimeout + time.Second}
	group.Add("ready", s.engine.KeepReady)
	group.Add("watch", func(ctx context.Context) error { return s.engine.Watch(ctx, s.cfg.WatchInterval) })
	if s.keys != nil {
		group.Add("keys", s.keeper.Run)
	}
	group.Add("http", s.server.Run)
	return group.Run(ctx)
}

func (s *Service) close() {
	s.bus.Close()
	s.pool.Close()
}
