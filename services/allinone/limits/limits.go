// Package limits is `ollyscale limits`: it shows and sets what tenants may send, and shows what was stored of them, in the database of
// all-in-one or of five services alike.
//
//	ollyscale limits set --tenant shop --limits spans_per_second=20000,in_flight_requests=50
//	ollyscale limits set --tenant '*' --limits bytes_per_second=5000000
//	ollyscale limits set --tenant shop --limits spans_per_second=unset
//	ollyscale limits get
//	ollyscale limits usage --days 7
package limits

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/allinone"
)

// What can be done.
const (
	Get   = "get"
	Set   = "set"
	Usage = "usage"
)

// unset says nothing of a limit any more.
const unset = "unset"

// Config says what is to be done.
type Config struct {
	Command  string            `mapstructure:"command" usual:"true" arg:"true" doc:"What to do: get, set or usage."`
	Tenant   string            `mapstructure:"tenant" usual:"true" doc:"Whose limits or usage; * for the limits of all tenants of which nothing else is said. get: empty for all that was set. usage: empty for all tenants."`
	Limits   []string          `mapstructure:"limits" usual:"true" doc:"set: name=value, separated by commas; 0 for no limit, unset for what is said of all tenants. docs/quotas.md has the names."`
	Days     int               `mapstructure:"days" usual:"true" doc:"usage: of how many days, today the last."`
	Database allinone.Database `mapstructure:",squash"`

	// Output is where the answer goes.
	Output io.Writer `mapstructure:"-"`
}

// DefaultConfig shows.
func DefaultConfig() Config { return Config{Command: Get, Days: 30} }

// Validate names the keys that do not go together.
func (c Config) Validate() error {
	var p settings.Problems
	p.OneOf("command", c.Command, Get, Set, Usage)
	if c.Command == Set && c.Tenant == "" {
		p.Refuse("tenant", "whose limits? * stands for all tenants of which nothing else is said")
	}
	if _, err := c.changes(); err != nil {
		p.Refuse("limits", "%v", err)
	} else if c.Command == Set && len(c.Limits) == 0 {
		p.Refuse("limits", "name=value is missing")
	}
	settings.Between(&p, "days", c.Days, 1, 3660)
	p.Section("", c.Database.Validate())
	return p.Err()
}

// changes reads name=value.
func (c Config) changes() ([]quotastore.Change, error) {
	changes := make([]quotastore.Change, 0, len(c.Limits))
	for _, text := range c.Limits {
		name, value, _ := strings.Cut(text, "=")
		limit, err := telemetry.ParseLimit(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		change := quotastore.Change{Limit: limit}
		if value = strings.TrimSpace(value); value == unset {
			change.Unset = true
		} else if change.Value, err = strconv.ParseInt(value, 10, 64); err != nil {
			return nil, telemetry.ErrLimit.Newf("%s: %.40q is neither a whole number nor %s", limit, value, unset)
		}
		if err := limit.Check(change.Value); err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// Tool does it.
type Tool struct {
	cfg Config
	env service.Env
}

// New prepares; nothing is asked of the database before Run.
func New(cfg Config, env service.Env) (*Tool, error) { return &Tool{cfg, env}, cfg.Validate() }

// Run does it and tells what came of it.
func (t *Tool) Run(ctx context.Context) error {
	pool, err := t.cfg.Database.OpenCurrent(ctx, "ollyscale limits")
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := quotastore.New(pool)
	if err != nil {
		return err
	}
	switch t.cfg.Command {
	case Set:
		changes, err := t.cfg.changes()
		if err != nil {
			return err
		}
		if err := store.Set(ctx, telemetry.Tenant(t.cfg.Tenant), changes); err != nil {
			return err
		}
		_, err = fmt.Fprintln(t.cfg.Output, "set: within ten seconds every ingest goes by it")
		return err
	case Usage:
		return t.usage(ctx, store)
	}
	return t.get(ctx, store)
}

func (t *Tool) get(ctx context.Context, store *quotastore.Store) error {
	quotas, _, err := store.Limits(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.cfg.Output, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "TENANT\tLIMIT\tVALUE") // Flush tells of an error
	for _, tenant := range slices.Sorted(maps.Keys(quotas.Tenants)) {
		if t.cfg.Tenant != "" && t.cfg.Tenant != string(tenant) {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(quotas.Tenants[tenant])) {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%d\n", tenant, name, quotas.Tenants[tenant][name])
		}
	}
	return table.Flush()
}

// maxUsageLines bounds what is shown.
const maxUsageLines = 10_000

func (t *Tool) usage(ctx context.Context, store *quotastore.Store) error {
	today := t.env.Now().UTC()
	q := quotastore.UsageQuery{From: today.AddDate(0, 0, 1-t.cfg.Days), To: today, Limit: maxUsageLines}
	if t.cfg.Tenant != "" {
		q.Tenants = []telemetry.Tenant{telemetry.Tenant(t.cfg.Tenant)}
	}
	days, more, err := store.Usage(ctx, q)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.cfg.Output, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "TENANT\tDAY\tSIGNAL\tITEMS\tBYTES\tSERIES")
	for _, d := range days {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\n", d.Tenant, d.Day.Format(time.DateOnly), d.Signal, d.Items, d.Bytes, d.Series)
	}
	if err := table.Flush(); err != nil || !more {
		return err
	}
	_, err = fmt.Fprintf(t.cfg.Output, "There are more than %d lines: name a tenant, or fewer days.\n", maxUsageLines)
	return err
}
