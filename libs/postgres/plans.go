package postgres

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The values of Config.GenericPlans.
const (
	plansAuto = "auto"
	plansOn   = "on"
	plansOff  = "off"
)

// Plans says whether a statement may be planned once, whatever its parameters will be. Safe for concurrent use.
type Plans struct {
	pool    *pgxpool.Pool
	setting string
	generic atomic.Pointer[bool] // nil: the database was not asked yet
}

// NewPlans goes by Config.GenericPlans, and by auto without one; it asks the database later, where it has to.
func NewPlans(setting string, pool *pgxpool.Pool) *Plans { return &Plans{pool: pool, setting: setting} }

// Generic reports whether they may. By "auto" the database is asked once, which may be down then: the error is classified. They may not where the
// extension citus is there, which plans a statement by the tenant that it names: of one whose tenant is not known yet it says that it could not create a
// distributed plan.
func (p *Plans) Generic(ctx context.Context) (bool, error) {
	if p.setting == plansOn || p.setting == plansOff {
		return p.setting == plansOn, nil
	}
	if known := p.generic.Load(); known != nil {
		return *known, nil
	}
	var distributed bool
	if err := p.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')`).Scan(&distributed); err != nil {
		return false, fmt.Errorf("ask how to plan: %w", Classify(err))
	}
	generic := !distributed
	p.generic.Store(&generic)
	return generic, nil
}
