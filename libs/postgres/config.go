package postgres

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/settings"
)

// Config says which database to use and how.
type Config struct {
	URL               string        `mapstructure:"url" usual:"true" secret:"true" doc:"Connection string of the database, as a URL or key=value pairs; PG… environment variables fill what it leaves out. Without one: postgres://postgres@127.0.0.1:5432/ollyscale."`
	MaxConnections    int           `mapstructure:"max_connections" doc:"Most connections this service opens; 0 chooses by its role."`
	MinConnections    int           `mapstructure:"min_connections" doc:"Connections that are kept open though nobody uses them, as far as max_connections allows; 0 for none."`
	Pooler            bool          `mapstructure:"pooler" doc:"True behind a pooler in transaction mode (PgBouncer): no prepared statements are kept."`
	GenericPlans      string        `mapstructure:"generic_plans" doc:"Whether statements of questions are planned once, whatever their parameters: on, off, or auto, which is on but where the extension citus is in the database, which cannot do it. The database is asked once, by the first question."`
	ConnectTimeout    time.Duration `mapstructure:"connect_timeout" doc:"How long one attempt to connect may take; 0 for what the connection string says, without limit where it says nothing."`
	MaxConnectionLife time.Duration `mapstructure:"max_connection_life" doc:"Connections are replaced at this age, so that load follows a failover or a new replica; 0 never replaces them."`
}

// DefaultConfig is a database on this machine.
func DefaultConfig() Config {
	return Config{
		URL:               "postgres://postgres@127.0.0.1:5432/ollyscale",
		GenericPlans:      plansAuto,
		ConnectTimeout:    5 * time.Second,
		MaxConnectionLife: 30 * time.Minute,
	}
}

// Validate names the keys that are wrong, relative to the database's own section, without connecting.
func (c Config) Validate() error {
	var p settings.Problems
	if c.URL == "" {
		p.Refuse("url", "a connection string is required")
	} else if _, err := pgxpool.ParseConfig(c.URL); err != nil {
		p.Refuse("url", "%s", Unreadable(c.URL, err).Error())
	}
	settings.Between(&p, "max_connections", c.MaxConnections, 0, 1000)
	settings.Between(&p, "min_connections", c.MinConnections, 0, 1000)
	p.OneOf("generic_plans", c.GenericPlans, plansAuto, plansOn, plansOff)
	settings.NotNegative(&p, "connect_timeout", c.ConnectTimeout)
	settings.NotNegative(&p, "max_connection_life", c.MaxConnectionLife)
	return p.Err()
}

// Unreadable says what is wrong with a connection string, from the error of pgx, and nothing of what stands in it: where it is not clear what
// belongs to the password, pgx shows some of it, as the port that is none.
func Unreadable(text string, err error) error {
	const wanted = "is no connection string: want postgres://user:password@host:port/database, with : / @ ? # and % of a password written as %3A %2F %40 %3F %23 %25, or key='value' pairs"
	parts, malformed := errors.AsType[*pgconn.ParseConfigError](err)
	if u, unclear := url.Parse(text); unclear != nil || u.Host == "" || !malformed || parts.Unwrap() == nil {
		return errors.New(wanted)
	}
	return fmt.Errorf("cannot be used: %w", parts.Unwrap())
}

// defaultMaxConnections is for a role that names none: a server has 100 by default, and a cluster has several roles and replicas.
const defaultMaxConnections = 8

// pool translates the configuration to pgx's.
func (c Config) pool(name string) (*pgxpool.Config, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	p, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("postgres.url: %w", err)
	}
	p.MaxConns = defaultMaxConnections
	if c.MaxConnections > 0 {
		p.MaxConns = int32(c.MaxConnections) //nolint:gosec // Validate bounds it
	}
	p.MinConns = min(int32(c.MinConnections), p.MaxConns) //nolint:gosec // Validate bounds it
	p.MaxConnIdleTime = 5 * time.Minute
	p.HealthCheckPeriod = 30 * time.Second
	p.MaxConnLifetime, p.MaxConnLifetimeJitter = c.MaxConnectionLife, c.MaxConnectionLife/10
	if c.MaxConnectionLife == 0 {
		p.MaxConnLifetime = math.MaxInt64 // pgx takes 0 for an age that every connection has
	}
	if c.ConnectTimeout > 0 {
		p.ConnConfig.ConnectTimeout = c.ConnectTimeout
	}
	if c.Pooler {
		p.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
		p.ConnConfig.StatementCacheCapacity = 0
		p.ConnConfig.DescriptionCacheCapacity = 0
	}
	params := p.ConnConfig.RuntimeParams
	if params["application_name"] == "" {
		params["application_name"] = name
	}
	params["timezone"] = "UTC"
	return p, nil
}
