// Package auth says who sends a request and whose data it is about: the tenant, the connection, what the sender may do.
package auth

import (
	"context"
	"fmt"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// TenantHeader names the tenant of a request in ModeNone: an HTTP header, or gRPC metadata of the same name.
const TenantHeader = "X-Scope-OrgID"

// Modes of authentication.
const (
	// ModeNone trusts the network: the tenant is what TenantHeader says, else the default tenant.
	ModeNone = "none"
)

// Scope is a thing that a sender may be allowed to do.
type Scope uint8

// The scopes. Each includes nothing of the others.
const (
	Ingest Scope = iota
	Query
	Admin
)

// Config chooses how requests are authenticated.
type Config struct {
	Mode          string `mapstructure:"mode" doc:"How senders are authenticated: none (the tenant is what the header X-Scope-OrgID says)."`
	DefaultTenant string `mapstructure:"default_tenant" doc:"Tenant of a request that names none."`
}

// DefaultConfig trusts the network.
func DefaultConfig() Config {
	return Config{Mode: ModeNone, DefaultTenant: string(telemetry.DefaultTenant)}
}

// Validate names the keys that are wrong, relative to the section.
func (c Config) Validate() error {
	var p settings.Problems
	p.OneOf("mode", c.Mode, ModeNone)
	if _, err := telemetry.ParseTenant(c.DefaultTenant); err != nil {
		p.Refuse("default_tenant", "%q: %s", c.DefaultTenant, fault.From(err).Message)
	}
	return p.Err()
}

// Required says whether every request has to prove who sends it.
func (c Config) Required() bool { return c.Mode != ModeNone }

// Identity is who sent a request.
type Identity struct {
	Tenant     telemetry.Tenant
	Connection string // an API key's id; "" without authentication
}

// Authenticator identifies senders. Safe for concurrent use.
type Authenticator struct {
	fallback telemetry.Tenant
	required bool
}

// Required says whether every request has to prove who sends it.
func (a *Authenticator) Required() bool { return a.required }

// New makes an Authenticator.
func New(c Config) (*Authenticator, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return &Authenticator{fallback: telemetry.Tenant(c.DefaultTenant), required: c.Required()}, nil
}

// Identify says who sent a request that wants to use scope. header returns a request header, "" where it is missing. A tenant name
// that is not valid is fault.Invalid.
func (a *Authenticator) Identify(_ context.Context, header func(name string) string, _ Scope) (Identity, error) {
	name := header(TenantHeader)
	if name == "" {
		return Identity{Tenant: a.fallback}, nil
	}
	tenant, err := telemetry.ParseTenant(name)
	if err != nil {
		return Identity{}, telemetry.ErrTenant.Newf("header %s: %s", TenantHeader, fault.From(err).Message)
	}
	return Identity{Tenant: tenant}, nil
}
