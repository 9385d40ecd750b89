// Package keystore keeps keys in PostgreSQL: it makes, lists and revokes them, and tells a keyring and the bus which are good.
package keystore

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

//go:embed sql/*.sql
var files embed.FS

// Refresh is how often a service with a database looks for keys that were made or revoked. With the bus's own delay every replica knows
// of one within ten seconds.
const Refresh = 2 * time.Second

// maxName bounds the name of a key, in characters.
const maxName = 100

// Store is the table of keys. Safe for concurrent use.
type Store struct {
	pool                       *pgxpool.Pool
	create, list, revoke, good string
}

// New prepares the statements; nothing is asked of the database yet.
func New(pool *pgxpool.Pool) (*Store, error) {
	f := sqlfile.Parse(files)
	s := &Store{pool: pool, create: f.Text("create", nil), list: f.Text("list", nil), revoke: f.Text("revoke", nil), good: f.Text("good", nil)}
	return s, f.Err()
}

// Entry is what is told of a key: nothing of its secret.
type Entry struct {
	ID        string
	Tenant    telemetry.Tenant
	Name      string
	Scopes    []string
	CreatedAt time.Time
	CreatedBy string
	ExpiresAt *time.Time // nil for never
	RevokedAt *time.Time // nil for a key that is not
}

// Wish is a key that is to be made.
type Wish struct {
	Tenant  telemetry.Tenant
	Name    string // for people
	Scopes  []string
	Expires *time.Time // nil for never
	By      string     // who makes it
}

// Create makes a key. Its text is told this once: only its hash is kept. A wish that cannot be fulfilled is fault.Invalid.
func (s *Store) Create(ctx context.Context, w Wish, now time.Time) (text string, e Entry, err error) {
	scopes, err := auth.ParseScopes(w.Scopes)
	if err != nil {
		return "", Entry{}, err
	}
	if _, err := telemetry.ParseTenant(string(w.Tenant)); err != nil {
		return "", Entry{}, err
	}
	w.Name = strings.TrimSpace(w.Name)
	switch {
	case w.Name == "" || utf8.RuneCountInString(w.Name) > maxName || !utf8.ValidString(w.Name) || strings.ContainsFunc(w.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", Entry{}, auth.ErrKeyWanted.Newf("a key has a name of 1 to %d printable characters on one line, by which people know it", maxName)
	case w.Expires != nil && !w.Expires.After(now):
		return "", Entry{}, auth.ErrKeyWanted.New("a key that has expired opens nothing: its expiry has to lie ahead")
	}
	text, key := auth.NewKey()
	e = Entry{ID: key.ID, Tenant: w.Tenant, Name: w.Name, Scopes: scopes.Names(), CreatedBy: w.By, ExpiresAt: w.Expires}
	err = s.pool.QueryRow(ctx, s.create, string(e.Tenant), e.ID, e.Name, e.Scopes, key.Hash[:], e.CreatedBy, e.ExpiresAt).Scan(&e.CreatedAt)
	if err != nil {
		return "", Entry{}, fmt.Errorf("create a key: %w", postgres.Classify(err))
	}
	return text, e, nil
}

// List tells of all keys of a tenant, or of all tenants for "", oldest first, revoked and expired ones included.
func (s *Store) List(ctx context.Context, tenant telemetry.Tenant) ([]Entry, error) {
	rows, err := s.pool.Query(ctx, s.list, string(tenant))
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", postgres.Classify(err))
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	if err != nil {
		return nil, fmt.Errorf("list keys: %w", postgres.Classify(err))
	}
	return entries, nil
}

// Revoke ends a key for ever; one that was revoked before stays so. tenant "" is any. fault.NotFound where there is none.
func (s *Store) Revoke(ctx context.Context, tenant telemetry.Tenant, id string) error {
	tag, err := s.pool.Exec(ctx, s.revoke, string(tenant), id)
	if err != nil {
		return fmt.Errorf("revoke a key: %w", postgres.Classify(err))
	}
	if tag.RowsAffected() == 0 {
		return auth.ErrNoKey.New("there is no key with this id")
	}
	return nil
}

// Good are the keys that open something, and the moment by the database's clock at which they did.
func (s *Store) Good(ctx context.Context) ([]auth.Key, time.Time, error) {
	var asOf time.Time
	if err := s.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&asOf); err != nil {
		return nil, asOf, fmt.Errorf("read keys: %w", postgres.Classify(err))
	}
	rows, err := s.pool.Query(ctx, s.good)
	if err != nil {
		return nil, asOf, fmt.Errorf("read keys: %w", postgres.Classify(err))
	}
	keys, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (k auth.Key, err error) {
		var (
			scopes  []string
			hash    []byte
			expires *time.Time
		)
		if err := row.Scan(&k.ID, &k.Tenant, &scopes, &hash, &expires); err != nil {
			return k, err
		}
		if expires != nil {
			k.Expires = *expires
		}
		copy(k.Hash[:], hash) // the table says how long it is
		k.Scopes = auth.KnownScopes(scopes)
		return k, nil
	})
	if err != nil {
		return nil, asOf, fmt.Errorf("read keys: %w", postgres.Classify(err))
	}
	return keys, asOf, nil
}

// Keep tells ring and channel which keys are good, until ctx ends. While the database is down, what was known stays; a bus that is down
// keeps only those waiting who listen to it.
func (s *Store) Keep(ctx context.Context, ring *auth.Keyring, channel *bus.SnapshotChannel, log *slog.Logger) error {
	tick := time.NewTicker(Refresh)
	defer tick.Stop()
	var said [2]string
	complain := func(i int, step string, err error) {
		now := ""
		if err != nil {
			now = err.Error()
		}
		if now != said[i] && now != "" && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelWarn, "keys stay as they were", slog.String("step", step), slog.Any("error", err))
		}
		said[i] = now
	}
	for {
		keys, asOf, err := s.Good(ctx)
		complain(0, "read", err)
		if err == nil {
			ring.Set(keys)
			complain(1, "publish", publish(ctx, channel, keys, asOf))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func publish(ctx context.Context, channel *bus.SnapshotChannel, keys []auth.Key, asOf time.Time) error {
	data, err := auth.EncodeKeys(keys)
	if err != nil {
		return err
	}
	_, err = channel.Publish(ctx, bus.Snapshot{AsOf: asOf, Data: data})
	return err
}
