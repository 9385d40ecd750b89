// Package saved keeps, in PostgreSQL, what people of a tenant have given a name: questions to the query service. What is in a document is the affair of
// who saves it; here it is JSON of a bounded size and depth. Who wrote what is put on record in janitor_audit.
package saved

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

//go:embed sql/*.sql
var files embed.FS

// What a tenant may keep. MaxDocument is in bytes without blanks and maxDepth in lists and objects within each other; names and descriptions are in characters.
const (
	MaxKept        = 1000
	MaxDocument    = 64 << 10
	maxDepth       = 64
	maxName        = 100
	maxDescription = 1000
)

// Store is the table saved_query. Safe for concurrent use.
type Store struct {
	pool                                     *pgxpool.Pool
	list, get, turn, create, replace, remove string
}

// New prepares the statements; nothing is asked of the database yet.
func New(pool *pgxpool.Pool) (*Store, error) {
	f := sqlfile.Parse(files)
	s := &Store{
		pool: pool, list: f.Text("list", nil), get: f.Text("get", nil), turn: f.Text("turn", nil), create: f.Text("create", nil), replace: f.Text("replace", nil),
		remove: f.Text("delete", nil),
	}
	return s, f.Err()
}

// Wish is what is to be kept.
type Wish struct {
	Kind        string // what the document is, a word
	Page        string // the list that a query is of; "" for what is of none
	Name        string // 1 to 100 printable characters on one line
	Description string // up to 1,000 characters
	Document    json.RawMessage
}

// Entry is what a list tells of one.
type Entry struct {
	ID, Kind, Page, Name, Description string
	Version                           int64 // 1, and one more each time that it is replaced
	CreatedAt                         time.Time
	CreatedBy                         string
	UpdatedAt                         time.Time
	UpdatedBy                         string
}

// Item is one with its document.
type Item struct {
	Entry
	Document json.RawMessage
}

// List is what a tenant keeps, of one kind and page or, for "", of all, by name without regard to case.
func (s *Store) List(ctx context.Context, tenant telemetry.Tenant, kind, page string) ([]Entry, error) {
	rows, err := s.pool.Query(ctx, s.list, string(tenant), kind, page)
	if err != nil {
		return nil, fmt.Errorf("list saved queries: %w", postgres.Classify(err))
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Entry])
	if err != nil {
		return nil, fmt.Errorf("list saved queries: %w", postgres.Classify(err))
	}
	return entries, nil
}

// Get is one of a tenant. fault.NotFound where it has none of this id.
func (s *Store) Get(ctx context.Context, tenant telemetry.Tenant, id string) (Item, error) {
	if !isID(id) {
		return Item{}, errNone()
	}
	item, err := scan(s.pool.QueryRow(ctx, s.get, string(tenant), id))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return item, errNone()
	case err != nil:
		return item, fmt.Errorf("read a saved query: %w", postgres.Classify(err))
	}
	return item, nil
}

// Create keeps what is wished, as version 1. By is who wants it. fault.Invalid where it cannot be so, or the tenant keeps MaxKept already.
func (s *Store) Create(ctx context.Context, tenant telemetry.Tenant, by string, w Wish) (item Item, err error) {
	if w, err = w.Checked(); err != nil {
		return Item{}, err
	}
	err = postgres.InTx(ctx, s.pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
		// One at a time of a tenant, or those who save at once would not count each other's.
		if _, err := tx.Exec(ctx, s.turn, string(tenant)); err != nil {
			return err
		}
		item, err = scan(tx.QueryRow(ctx, s.create, string(tenant), newID(), w.Kind, w.Page, w.Name, w.Description, string(w.Document), by, MaxKept))
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Item{}, errTooMany.Newf("tenant %s keeps %d queries, which is as many as a tenant may", tenant, MaxKept)
	case err != nil:
		return Item{}, fmt.Errorf("save a query: %w", postgres.Classify(err))
	}
	return item, nil
}

// Replace puts what is wished in the place of the version that by has seen. Where it is another by now, the error says which it is.
func (s *Store) Replace(ctx context.Context, tenant telemetry.Tenant, by, id string, version int64, w Wish) (Item, error) {
	w, err := w.Checked()
	if err != nil {
		return Item{}, err
	}
	if version < 1 {
		return Item{}, errVersion.New("version: say which version is to be replaced, as it was read: 1 or more")
	}
	if !isID(id) {
		return Item{}, errNone()
	}
	item, err := scan(s.pool.QueryRow(ctx, s.replace, string(tenant), id, w.Kind, w.Page, w.Name, w.Description, string(w.Document), by, version))
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Item{}, s.another(ctx, tenant, id, version)
	case err != nil:
		return Item{}, fmt.Errorf("replace a saved query: %w", postgres.Classify(err))
	}
	return item, nil
}

// Delete removes a version, or whichever there is for 0.
func (s *Store) Delete(ctx context.Context, tenant telemetry.Tenant, by, id string, version int64) error {
	if version < 0 {
		return errVersion.New("version: it is 1 or more, as it was read")
	}
	if !isID(id) {
		return errNone()
	}
	tag, err := s.pool.Exec(ctx, s.remove, string(tenant), id, by, version)
	if err != nil {
		return fmt.Errorf("delete a saved query: %w", postgres.Classify(err))
	}
	if tag.RowsAffected() == 0 {
		return s.another(ctx, tenant, id, version)
	}
	return nil
}

// another says why a version is not there: nothing is, or it has another.
func (s *Store) another(ctx context.Context, tenant telemetry.Tenant, id string, version int64) error {
	item, err := s.Get(ctx, tenant, id)
	if err != nil {
		return err
	}
	return errChanged.Newf("version %d was replaced: it has version %d, of %s", version, item.Version, item.UpdatedAt.UTC().Format(time.RFC3339))
}

func scan(row pgx.Row) (i Item, err error) {
	err = row.Scan(&i.ID, &i.Kind, &i.Page, &i.Name, &i.Description, &i.Version, &i.CreatedAt, &i.CreatedBy, &i.UpdatedAt, &i.UpdatedBy, (*[]byte)(&i.Document))
	return i, err
}

// newID is one that nobody guesses, of 16 letters and digits.
func newID() string {
	var raw [10]byte
	_, _ = rand.Read(raw[:]) // it never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw[:]))
}

func errNone() error { return errNothing.New("nothing is kept under this id") }

// isID tells whether a text can be an id: PostgreSQL takes no NUL and only UTF-8 for a text, and would call others a mistake of its own.
func isID(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// Checked is a wish as it is kept, or fault.Invalid or fault.TooLarge with what is wrong with it.
func (w Wish) Checked() (Wish, error) {
	w.Name = strings.TrimSpace(w.Name)
	switch {
	case w.Name == "" || utf8.RuneCountInString(w.Name) > maxName || !utf8.ValidString(w.Name) || strings.ContainsFunc(w.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return w, ErrMalformed.Newf("name: want 1 to %d printable characters on one line, by which people know it", maxName)
	case utf8.RuneCountInString(w.Description) > maxDescription || !utf8.ValidString(w.Description) || strings.ContainsRune(w.Description, 0):
		return w, ErrMalformed.Newf("description: want %d characters at most, and none of them NUL", maxDescription)
	case !utf8.Valid(w.Document):
		return w, ErrMalformed.New("document: its texts are not UTF-8")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, w.Document); err != nil || compact.Len() == 0 || compact.Bytes()[0] != '{' {
		return w, ErrMalformed.New("document: want a JSON object")
	}
	w.Document = compact.Bytes()
	if len(w.Document) > MaxDocument {
		return w, errTooLarge.Newf("document: %d bytes without blanks are more than %d", len(w.Document), MaxDocument)
	}
	if depth(w.Document) > maxDepth {
		return w, errTooLarge.Newf("document: its lists and objects are nested deeper than %d", maxDepth)
	}
	return w, nil
}

// depth is how deep lists and objects of valid JSON lie within each other.
func depth(text []byte) (deepest int) {
	now, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
