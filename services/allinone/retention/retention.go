// Package retention is `ollyscale retention`: it shows and sets how long a tenant's data is kept, and whether items are rows for SQL too, in the database
// of all-in-one or of five services alike.
//
//	ollyscale retention set --tenant default --rows 24h
//	ollyscale retention set --tenant shop --signals traces,logs --days 14 --rows 0
//	ollyscale retention unset --tenant shop
//	ollyscale retention get
package retention

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres/policystore"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/allinone"
)

// What can be done.
const (
	Get   = "get"
	Set   = "set"
	Unset = "unset"
)

// program is how the database and the record of changes call it.
const program = "ollyscale retention"

// Config says what is to be done.
type Config struct {
	Command  string            `mapstructure:"command" usual:"true" arg:"true" doc:"What to do: get, set or unset."`
	Tenant   string            `mapstructure:"tenant" usual:"true" doc:"Whose policy; the policy of default holds for all that have none of their own. get: empty for all that were set."`
	Signals  []string          `mapstructure:"signals" usual:"true" doc:"set, unset: of which signals."`
	Days     string            `mapstructure:"days" usual:"true" doc:"set: whole days that data is kept; empty changes nothing."`
	Rows     string            `mapstructure:"rows" usual:"true" doc:"set: how long items are kept as rows for SQL too, such as 24h; 0 writes none, empty changes nothing. Rows take some 700 B and 12 µs a span more."`
	Hold     string            `mapstructure:"hold" usual:"true" doc:"set: true drops nothing whatever the days, false does again; empty changes nothing."`
	Database allinone.Database `mapstructure:",squash"`

	// Output is where the answer goes.
	Output io.Writer `mapstructure:"-"`
}

// DefaultConfig shows.
func DefaultConfig() Config {
	c := Config{Command: Get}
	for _, s := range telemetry.Signals() {
		c.Signals = append(c.Signals, s.String())
	}
	return c
}

// Validate names the keys that do not go together.
func (c Config) Validate() error {
	var p settings.Problems
	p.OneOf("command", c.Command, Get, Set, Unset)
	if c.Command != Get && c.Tenant == "" {
		p.Refuse("tenant", "whose policy? That of default holds for all that have none of their own")
	}
	if c.Tenant != "" {
		if _, err := telemetry.ParseTenant(c.Tenant); err != nil {
			p.Refuse("tenant", "%v", err)
		}
	}
	for _, k := range []struct {
		key   string
		given bool
		with  []string
	}{
		{"days", c.Days != "", []string{Set}},
		{"rows", c.Rows != "", []string{Set}},
		{"hold", c.Hold != "", []string{Set}},
		{"signals", !slices.Equal(c.Signals, DefaultConfig().Signals), []string{Set, Unset}},
	} {
		if k.given && !slices.Contains(k.with, c.Command) {
			p.Refuse(k.key, "goes with %s, and not with %s", strings.Join(k.with, " and "), c.Command)
		}
	}
	if _, err := c.signals(); err != nil {
		p.Refuse("signals", "%v", err)
	}
	if _, key, err := c.change(); err != nil && c.Command == Set {
		p.Refuse(key, "%v", err)
	}
	p.Section("", c.Database.Validate())
	return p.Err()
}

func (c Config) signals() ([]telemetry.Signal, error) {
	signals := make([]telemetry.Signal, 0, len(c.Signals))
	for _, name := range c.Signals {
		s, err := telemetry.ParseSignal(name)
		if err != nil {
			return nil, err
		}
		signals = append(signals, s)
	}
	return signals, nil
}

// change reads what is to be set; key names what cannot be read.
func (c Config) change() (change policystore.Change, key string, err error) {
	if c.Days != "" {
		days, err := strconv.Atoi(c.Days)
		if err != nil {
			return change, "days", fmt.Errorf("%.40q is no whole number", c.Days)
		}
		change.Days = &days
		if err := change.Check(); err != nil {
			return change, "days", err
		}
	}
	if c.Rows != "" {
		rows, err := settings.ParseDuration(c.Rows)
		if err != nil {
			return change, "rows", err
		}
		change.Rows = &rows
		if err := change.Check(); err != nil {
			return change, "rows", err
		}
	}
	if c.Hold != "" {
		hold, err := strconv.ParseBool(c.Hold)
		if err != nil {
			return change, "hold", fmt.Errorf("%.40q is neither true nor false", c.Hold)
		}
		change.Hold = &hold
	}
	return change, "days", change.Check()
}

// Tool does it.
type Tool struct{ cfg Config }

// New prepares; nothing is asked of the database before Run.
func New(cfg Config, _ service.Env) (*Tool, error) { return &Tool{cfg}, cfg.Validate() }

// Run does it and tells what came of it.
func (t *Tool) Run(ctx context.Context) error {
	pool, err := t.cfg.Database.OpenCurrent(ctx, program)
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := policystore.New(pool)
	if err != nil {
		return err
	}
	signals, err := t.cfg.signals()
	if err != nil {
		return err
	}
	tenant := telemetry.Tenant(t.cfg.Tenant)
	switch t.cfg.Command {
	case Set:
		change, _, err := t.cfg.change()
		if err != nil {
			return err
		}
		if err := store.Set(ctx, program, tenant, signals, change); err != nil {
			return err
		}
	case Unset:
		if err := store.Unset(ctx, program, tenant, signals); err != nil {
			return err
		}
	}
	return t.show(ctx, store)
}

// show is the policies that were set: also after a change, so that one sees since when there are rows.
func (t *Tool) show(ctx context.Context, store *policystore.Store) error {
	policies, err := store.List(ctx)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.cfg.Output, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "TENANT\tSIGNAL\tDAYS\tHOLD\tROWS\tROWS SINCE") // Flush tells of an error
	for _, p := range policies {
		if t.cfg.Tenant != "" && t.cfg.Tenant != string(p.Tenant) {
			continue
		}
		rows, since := "none", ""
		if p.Rows > 0 {
			rows, since = settings.FormatDuration(p.Rows), p.RowsSince.UTC().Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%t\t%s\t%s\n", p.Tenant, p.Signal, p.Days, p.Hold, rows, since)
	}
	return table.Flush()
}
