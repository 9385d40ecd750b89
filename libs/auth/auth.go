// Package auth says who sends a request and whose data it is about: the tenant, the connection, what the sender may do.
//
//	key.go      a key: its text, its hash
//	keyring.go  all keys that are good, in memory, and their snapshot for roles without a database
//	auth.go     a request's key, tenant and scope
//
// Package keystore keeps keys in PostgreSQL; ingest, which has none, is told of them by snapshots over the bus.
package auth

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Headers of a request, or gRPC metadata of the same names.
const (
	// TenantHeader names the tenant of a request in ModeNone. Where keys are demanded it may only repeat the tenant of the key.
	TenantHeader = "X-Scope-OrgID"
	// KeyHeader carries a key; Authorization does, too, as a bearer token, or as the password of any user.
	KeyHeader = "X-Api-Key"
)

// Modes of authentication.
const (
	// ModeNone trusts the network: the tenant is what TenantHeader says, else the default tenant.
	ModeNone = "none"
	// ModeKeys demands a key of every request.
	ModeKeys = "keys"
	// ModeOIDC demands a key, or of people in query that an identity provider knows them.
	ModeOIDC = "oidc"
)

// Scope is a thing that a sender may be allowed to do.
type Scope uint8

// The scopes. Each includes nothing of the others, but Admin Edit: who makes keys could make one for it.
const (
	Ingest Scope = iota
	Query
	Admin
	Edit
)

// scopeNames are the scopes as keys, answers and errors name them.
var scopeNames = [...]string{Ingest: "ingest", Query: "query", Admin: "admin", Edit: "edit"} //nolint:gochecknoglobals // a table

// String is the scope's name.
func (s Scope) String() string { return scopeNames[s] }

// Scopes are several: bit 1<<scope.
type Scopes uint8

// Of makes Scopes.
func Of(list ...Scope) (s Scopes) {
	for _, scope := range list {
		s |= 1 << scope
	}
	return s
}

// Has says whether scope is among them.
func (s Scopes) Has(scope Scope) bool { return s&(1<<scope) != 0 || scope == Edit && s.Has(Admin) }

// Names are their names, in the order of the constants.
func (s Scopes) Names() []string {
	var names []string
	for scope, name := range scopeNames {
		if s&(1<<scope) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParseScopes reads names; none at all, or an unknown one, is an error.
func ParseScopes(names []string) (s Scopes, err error) {
	for _, name := range names {
		known := KnownScopes([]string{name})
		if known == 0 {
			return 0, ErrKeyWanted.Newf("scope %.40q is not ingest, query, edit or admin", name)
		}
		s |= known
	}
	if s == 0 {
		return 0, ErrKeyWanted.New("a key without a scope opens nothing: name ingest, query, edit or admin")
	}
	return s, nil
}

// KnownScopes reads names that another version may have written: one that only that version knows opens nothing here, and takes nothing
// away from the others.
func KnownScopes(names []string) (s Scopes) {
	for scope, known := range scopeNames {
		if slices.Contains(names, known) {
			s |= 1 << scope
		}
	}
	return s
}

// Config chooses how requests are authenticated.
type Config struct {
	Mode          string `mapstructure:"mode" usual:"true" doc:"How senders are authenticated: none (the tenant is what the header X-Scope-OrgID says), keys (every request brings a key, which has a tenant) or oidc (keys, and people log in at the identity provider that login.oidc of query names)."`
	DefaultTenant string `mapstructure:"default_tenant" doc:"Tenant of a request that names none, in mode none; of people whom the identity provider lets in, where no claim gives tenants, in mode oidc."`
	SnapshotKey   string `mapstructure:"snapshot_key" secret:"true" doc:"Base64 of at least 32 random bytes, the same for ingest and query, by which query signs what it tells ingest of the keys. Required where keys are demanded; all-in-one makes its own."`
}

// DefaultConfig trusts the network.
func DefaultConfig() Config {
	return Config{Mode: ModeNone, DefaultTenant: string(telemetry.DefaultTenant)}
}

// Validate names the keys that are wrong, relative to the section.
func (c Config) Validate() error {
	var p settings.Problems
	p.OneOf("mode", c.Mode, ModeNone, ModeKeys, ModeOIDC)
	if _, err := telemetry.ParseTenant(c.DefaultTenant); err != nil {
		p.Refuse("default_tenant", "%q: %s", c.DefaultTenant, fault.From(err).Message)
	}
	if c.Required() && c.SnapshotKey == "" {
		p.Refuse("snapshot_key", "is missing, and keys are demanded: make one with `openssl rand -base64 32`, the same for ingest and query")
	}
	p.Secret("snapshot_key", c.SnapshotKey, "for ingest and query")
	return p.Err()
}

// Required says whether every request has to prove who sends it.
func (c Config) Required() bool { return c.Mode != ModeNone }

// Identity is who sent a request.
type Identity struct {
	Tenant     telemetry.Tenant
	Connection string             // a key's id; "" without authentication, and for a person whom an identity provider knows
	Person     string             // how a person is called; "" for keys and without authentication
	Scopes     Scopes             // what it may do
	Tenants    []telemetry.Tenant // all that it may choose from; nil where Tenant is the only one
	Until      time.Time          // when its key or its login ends, whichever is sooner; zero for never
}

// Name is how a log or a table names the sender; "" without authentication.
func (i Identity) Name() string {
	if i.Person != "" {
		return i.Person
	}
	return i.Connection
}

// For is the identity as it uses scopes in the tenant that its request names, "" for none. Its faults are 403: a tenant or a scope that it
// has not.
func (i Identity) For(tenant string, scopes ...Scope) (Identity, error) {
	if tenant != "" && tenant != string(i.Tenant) {
		if !slices.Contains(i.Tenants, telemetry.Tenant(tenant)) {
			return Identity{}, ErrTenantDenied.Newf("header %s names a tenant that the sender has no access to", TenantHeader)
		}
		i.Tenant = telemetry.Tenant(tenant)
	}
	for _, scope := range scopes {
		if err := i.May(scope); err != nil {
			return i, err
		}
	}
	return i, nil
}

// May is nil, or a fault that names the scope that is missing.
func (i Identity) May(scope Scope) error {
	if !i.Scopes.Has(scope) {
		return errScope.Newf("this needs the scope %s, and the sender has %s", scope, strings.Join(i.Scopes.Names(), ", "))
	}
	return nil
}

// Authenticator identifies senders. Safe for concurrent use.
type Authenticator struct {
	fallback telemetry.Tenant
	required bool
	now      func() time.Time
	keys     Keyring
}

// New makes an Authenticator; now is the clock by which keys expire. Where keys are demanded it knows none until Keys are set.
func New(c Config, now func() time.Time) (*Authenticator, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return &Authenticator{fallback: telemetry.Tenant(c.DefaultTenant), required: c.Required(), now: now}, nil
}

// Required says whether every request has to prove who sends it.
func (a *Authenticator) Required() bool { return a.required }

// Keys are those that are good. Where none are demanded they are not looked at.
func (a *Authenticator) Keys() *Keyring { return &a.keys }

// Healthy is nil, or says that requests cannot be told apart yet.
func (a *Authenticator) Healthy(context.Context) error {
	if a.required && !a.keys.known() {
		return ErrNotReady.New("which keys are good is not known yet")
	}
	return nil
}

// Header reads the headers of an HTTP request for Identify. What is sent twice is no valid name and no key: of the two, none is chosen.
func Header(h http.Header) func(name string) string {
	return func(name string) string { return strings.Join(h.Values(name), ", ") }
}

// Identify says who sent a request that wants to use scopes, none where it is enough to be known. header returns a request header, "" where it is missing.
//
// Its faults: 401 without a good key; 403 where the key lacks the scope, or the header names a tenant that is not the key's; Unavailable
// while the keys are not known yet, because a 401 would make a sender throw away what it holds; Invalid for a tenant's name that is none.
// None of them holds anything of a key.
func (a *Authenticator) Identify(_ context.Context, header func(name string) string, scopes ...Scope) (Identity, error) {
	name := header(TenantHeader)
	if !a.required {
		if name == "" {
			return Identity{Tenant: a.fallback, Scopes: Of(Ingest, Query, Admin)}, nil
		}
		tenant, err := telemetry.ParseTenant(name)
		if err != nil {
			return Identity{}, telemetry.ErrTenant.Newf("header %s: %s", TenantHeader, fault.From(err).Message)
		}
		return Identity{Tenant: tenant, Scopes: Of(Ingest, Query, Admin)}, nil
	}
	id, err := a.ByKey(Presented(header))
	if err != nil {
		return Identity{}, err
	}
	if id, err = id.For(name, scopes...); err != nil {
		return Identity{}, err
	}
	return id, nil
}

// ByKey is who has the key of this text. Its faults are those of Identify.
func (a *Authenticator) ByKey(text string) (Identity, error) {
	if !a.keys.known() {
		return Identity{}, ErrNotReady.New("which keys are good is not known yet; retry")
	}
	if text == "" {
		return Identity{}, ErrUnauthenticated.Newf("a key is required: as a bearer token, in the header %s, or as the password of any user", KeyHeader)
	}
	key, ok := a.keys.find(text, a.now())
	if !ok {
		return Identity{}, ErrUnauthenticated.New("the key is not known, revoked, or has expired")
	}
	return key.identity(), nil
}

// ByKeyID is who has the key of this id, for somebody of whom it is known that he showed its text before. Its faults are those of Identify.
func (a *Authenticator) ByKeyID(id string) (Identity, error) {
	if !a.keys.known() {
		return Identity{}, ErrNotReady.New("which keys are good is not known yet; retry")
	}
	key, ok := a.keys.named(id, a.now())
	if !ok {
		return Identity{}, ErrUnauthenticated.New("the key is revoked or has expired")
	}
	return key.identity(), nil
}

// Presented is the secret that a request brings: a bearer token, the password of Basic, or KeyHeader; "" for none.
func Presented(header func(name string) string) string {
	scheme, rest, _ := strings.Cut(header("Authorization"), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return rest
	case strings.EqualFold(scheme, "Basic"):
		pair, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return ""
		}
		_, password, _ := strings.Cut(string(pair), ":")
		return password
	}
	return header(KeyHeader)
}
