// Package keys is `ollyscale keys`: it makes, lists and revokes the keys of an installation in its database, of all-in-one or of five
// services alike.
//
//	ollyscale keys create --tenant shop --name "collector in Berlin" --scopes ingest --expires 2160h
//	ollyscale keys list
//	ollyscale keys revoke --id abcdefghijklmnop
package keys

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/allinone"
)

// What can be done.
const (
	Create = "create"
	List   = "list"
	Revoke = "revoke"
)

// Config says what is to be done.
type Config struct {
	Command  string            `mapstructure:"command" usual:"true" arg:"true" doc:"What to do: create, list or revoke."`
	Tenant   string            `mapstructure:"tenant" usual:"true" doc:"create: whose data the key is for. list, revoke: only this tenant's keys; empty for those of all."`
	Name     string            `mapstructure:"name" usual:"true" doc:"create: what people call the key."`
	Scopes   []string          `mapstructure:"scopes" usual:"true" doc:"create: what the key may do: ingest, query, edit, admin, separated by commas."`
	Expires  time.Duration     `mapstructure:"expires" usual:"true" doc:"create: how long the key is good; 0 for ever."`
	ID       string            `mapstructure:"id" usual:"true" doc:"revoke: which key, by the id that list shows."`
	Database allinone.Database `mapstructure:",squash"`

	// Output is where the answer goes.
	Output io.Writer `mapstructure:"-"`
}

// DefaultConfig lists.
func DefaultConfig() Config { return Config{Command: List, Scopes: []string{auth.Ingest.String()}} }

// Validate names the keys that do not go together.
func (c Config) Validate() error {
	var p settings.Problems
	p.OneOf("command", c.Command, Create, List, Revoke)
	if c.Command == Create && c.Name == "" {
		p.Refuse("name", "name the key, so that people know it again")
	}
	if c.Command == Revoke && c.ID == "" {
		p.Refuse("id", "which key is to be revoked?")
	}
	settings.NotNegative(&p, "expires", c.Expires)
	p.Section("", c.Database.Validate())
	return p.Err()
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
	pool, err := t.cfg.Database.OpenCurrent(ctx, "ollyscale keys")
	if err != nil {
		return err
	}
	defer pool.Close()
	store, err := keystore.New(pool)
	if err != nil {
		return err
	}
	tenant := telemetry.Tenant(t.cfg.Tenant)
	switch t.cfg.Command {
	case Create:
		return t.create(ctx, store, tenant)
	case Revoke:
		if err := store.Revoke(ctx, tenant, t.cfg.ID); err != nil {
			return err
		}
		_, err := fmt.Fprintf(t.cfg.Output, "key %s is revoked: within ten seconds no service takes it\n", t.cfg.ID)
		return err
	}
	return t.list(ctx, store, tenant)
}

func (t *Tool) create(ctx context.Context, store *keystore.Store, tenant telemetry.Tenant) error {
	if tenant == "" {
		tenant = telemetry.DefaultTenant
	}
	now := t.env.Now()
	w := keystore.Wish{Tenant: tenant, Name: t.cfg.Name, Scopes: t.cfg.Scopes}
	if t.cfg.Expires > 0 {
		until := now.Add(t.cfg.Expires)
		w.Expires = &until
	}
	text, e, err := store.Create(ctx, w, now)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.cfg.Output, "%s\n\nkey %s of tenant %s for %s. It is shown this once: only a hash of it is kept.\n",
		text, e.ID, e.Tenant, strings.Join(e.Scopes, ", "))
	return err
}

func (t *Tool) list(ctx context.Context, store *keystore.Store, tenant telemetry.Tenant) error {
	entries, err := store.List(ctx, tenant)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(t.cfg.Output, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tTENANT\tSCOPES\tCREATED\tSTATE\tNAME") // Flush tells of an error
	for _, e := range entries {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", e.ID, e.Tenant, strings.Join(e.Scopes, ","), day(&e.CreatedAt), state(e, t.env.Now()), e.Name)
	}
	return table.Flush()
}

func state(e keystore.Entry, now time.Time) string {
	switch {
	case e.RevokedAt != nil:
		return "revoked " + day(e.RevokedAt)
	case e.ExpiresAt == nil:
		return "good"
	case now.Before(*e.ExpiresAt):
		return "good until " + day(e.ExpiresAt)
	}
	return "expired " + day(e.ExpiresAt)
}

func day(t *time.Time) string { return t.UTC().Format("2006-01-02 15:04") }
