// Package policystore is the table retention_policy for who sets it: how long a tenant's data is kept, and as rows for SQL. Writer and janitor read
// it with statements of their own, each what it goes by.
package policystore

import (
	"context"
	"embed"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// maxDays is what the table takes.
const maxDays = 3650

//go:embed sql/*.sql
var files embed.FS

// Store is the table. Safe for concurrent use.
type Store struct {
	pool                     *pgxpool.Pool
	policies, of, set, unset string
}

// New prepares the statements; nothing is asked of the database yet.
func New(pool *pgxpool.Pool) (*Store, error) {
	f := sqlfile.Parse(files)
	s := &Store{pool: pool, policies: f.Text("policies", nil), of: f.Text("of", nil), set: f.Text("set", nil), unset: f.Text("unset", nil)}
	return s, f.Err()
}

// Policy is that of one tenant and signal.
type Policy struct {
	Tenant telemetry.Tenant
	Signal telemetry.Signal
	telemetry.RetentionPolicy
	// RowsSince says since when there are rows: every item whose time is then or later is one, but one that was stored before rows were asked for and whose
	// clock ran ahead, as far as ingest admits that. It may lie a minute ahead, after which every writer knows of the policy. Zero where no rows are written.
	RowsSince time.Time
}

// List is every policy that was set, by tenant and signal. A tenant that is not there has those of telemetry.DefaultTenant.
func (s *Store) List(ctx context.Context) ([]Policy, error) { return s.read(ctx, s.policies) }

// Of are the policies that hold for a tenant, by signal: its own, or those of telemetry.DefaultTenant, which then is Policy.Tenant.
func (s *Store) Of(ctx context.Context, tenant telemetry.Tenant) ([]Policy, error) {
	return s.read(ctx, s.of, string(tenant))
}

func (s *Store) read(ctx context.Context, sql string, args ...any) ([]Policy, error) {
	rows, err := s.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Policy, err error) {
		var (
			signal  string
			seconds int64
			since   *time.Time
		)
		if err := row.Scan(&p.Tenant, &signal, &p.Days, &p.Hold, &seconds, &since); err != nil {
			return p, err
		}
		p.Rows = time.Duration(seconds) * time.Second
		if since != nil {
			p.RowsSince = *since
		}
		p.Signal, err = telemetry.ParseSignal(signal)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the retention policies: %w", postgres.Classify(err))
	}
	return list, nil
}

// Change is what is to be said of a tenant; nil leaves what it has.
type Change struct {
	Days *int           // whole days that data is kept: 1 to 3,650
	Rows *time.Duration // how long items are rows for SQL too, in whole seconds; 0 writes none
	Hold *bool          // nothing is dropped
}

// Seconds is a time of Change.Rows, for Check to refuse where it is longer than a duration can be.
func Seconds(n int64) time.Duration {
	const most = int64(math.MaxInt64 / time.Second)
	return time.Duration(min(max(n, -most), most)) * time.Second
}

// Check is nil for a change that the table takes, else an error of the code "retention.policy".
func (c Change) Check() error {
	if c == (Change{}) {
		return errPolicy.New("nothing is to be set: say days, rows or hold")
	}
	if c.Days != nil && (*c.Days < 1 || *c.Days > maxDays) {
		return errPolicy.Newf("%d days: want 1 to %d", *c.Days, maxDays)
	}
	if c.Rows != nil && (*c.Rows < 0 || *c.Rows > maxDays*24*time.Hour || *c.Rows%time.Second != 0) {
		return errPolicy.Newf("rows of %s: want whole seconds, 0 to %d days", *c.Rows, maxDays)
	}
	return nil
}

// Set changes the policies of a tenant for some signals, all of them or none. A tenant that has none gets one like that of the tenant default. Who wants it,
// by, stands beside what holds from now on in janitor_audit; "" where nobody says who he is.
func (s *Store) Set(ctx context.Context, by string, tenant telemetry.Tenant, signals []telemetry.Signal, c Change) error {
	if err := whose(tenant, signals); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return err
	}
	var seconds *int64
	if c.Rows != nil {
		n := int64(*c.Rows / time.Second)
		seconds = &n
	}
	if _, err := s.pool.Exec(ctx, s.set, string(tenant), names(signals), c.Days, seconds, c.Hold, by); err != nil {
		return fmt.Errorf("set retention policies: %w", postgres.Classify(err))
	}
	return nil
}

func whose(tenant telemetry.Tenant, signals []telemetry.Signal) error {
	if _, err := telemetry.ParseTenant(string(tenant)); err != nil {
		return err
	}
	if len(signals) == 0 {
		return errPolicy.New("of which signals? Say one at least")
	}
	return nil
}

// Unset takes a tenant's own policies for some signals away: it has those of the tenant default then, which cannot be taken away. It is put on record as by
// Set.
func (s *Store) Unset(ctx context.Context, by string, tenant telemetry.Tenant, signals []telemetry.Signal) error {
	if tenant == telemetry.DefaultTenant {
		return errPolicy.Newf("the policies of the tenant %s are what others have that have none: they can be changed only", tenant)
	}
	if err := whose(tenant, signals); err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, s.unset, string(tenant), names(signals), by); err != nil {
		return fmt.Errorf("unset retention policies: %w", postgres.Classify(err))
	}
	return nil
}

func names(signals []telemetry.Signal) []string {
	out := make([]string, len(signals))
	for i, s := range signals {
		out[i] = s.String()
	}
	slices.Sort(out)
	return slices.Compact(out) // who names one twice means it once
}
