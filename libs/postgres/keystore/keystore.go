// Package keystore keeps keys in PostgreSQL: it makes, lists and revokes them, and tells a keyring and the bus which are good.
//
//	keystore.go  the table of keys
//	keep.go      which of them are good, read again and again, for a keyring and for the bus
package keystore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

//go:embed sql/*.sql
var files embed.FS

// maxName bounds the name of a key, in characters.
const maxName = 100

// MaxGood bounds the good keys of a tenant: all keys of all tenants travel in one message, which one administrator must not fill.
const MaxGood = 500

// MaxEnded bounds the keys of a tenant that open nothing any more, or making and revoking them would fill the table before the janitor, which
// removes them after a while: the oldest make room for a new key, unless the tenant is under legal hold.
const MaxEnded = 1000

// Store is the table of keys. Safe for concurrent use.
type Store struct {
	pool                                   *pgxpool.Pool
	turn, trim, create, list, revoke, good string
}

// New prepares the statements; nothing is asked of the database yet.
func New(pool *pgxpool.Pool) (*Store, error) {
	f := sqlfile.Parse(files)
	s := &Store{
		pool: pool, turn: f.Text("turn", nil), trim: f.Text("trim", nil), create: f.Text("create", nil), list: f.Text("list", nil), revoke: f.Text("revoke", nil),
		good: f.Text("good", nil),
	}
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

// Create makes a key. Its text is told this once: only its hash is kept. A wish that cannot be fulfilled is fault.Invalid, and so
// is one of a tenant that has MaxGood keys already.
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
	err = postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		// One at a time of a tenant, or those who ask at once would not count each other's.
		if _, err := tx.Exec(ctx, s.turn, string(e.Tenant)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, s.trim, string(e.Tenant), MaxEnded); err != nil {
			return err
		}
		row := tx.QueryRow(ctx, s.create, string(e.Tenant), e.ID, e.Name, e.Scopes, key.Hash[:], e.CreatedBy, e.ExpiresAt, MaxGood)
		return row.Scan(&e.CreatedAt)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", Entry{}, auth.ErrTooManyKeys.Newf("tenant %s has %d good keys, which is as many as a tenant may have", e.Tenant, MaxGood)
	}
	if err != nil {
		return "", Entry{}, fmt.Errorf("create a key: %w", postgres.Classify(err))
	}
	return text, e, nil
}

// List tells of all keys of a tenant, or of all tenants for "", oldest first, with those that were revoked or have expired
// until the janitor removes them.
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
