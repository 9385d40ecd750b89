package telemetry

import (
	"encoding/json"
	"fmt"
	"time"
)

// DefaultRetention is how long data of a signal is kept, in whole days, where nobody has said otherwise. It is the first rows of the table
// retention_policy, which a test holds against it, and how old an item may be that ingest takes.
func DefaultRetention(signal Signal) time.Duration {
	const day = 24 * time.Hour
	switch signal {
	case Traces:
		return 7 * day
	case Logs:
		return 3 * day
	case Metrics:
		return 30 * day
	}
	return 0
}

// RetentionSnapshot is the name under which the bus carries the policies of retention.
const RetentionSnapshot = "retention"

// Retention is how long data is kept, by tenant and signal: the table retention_policy, for those who have no database.
type Retention struct {
	Policies map[Tenant]map[string]RetentionPolicy `json:"policies"` // by name of the signal
}

// RetentionPolicy is that of one tenant and signal. The zero policy keeps everything and writes no rows.
type RetentionPolicy struct {
	Days int           `json:"days"`
	Hold bool          `json:"hold,omitempty"` // nothing is dropped
	Rows time.Duration `json:"-"`              // how far back items are rows for SQL too; only who has the database asks
}

// ParseRetention reads what Marshal wrote.
func ParseRetention(data []byte) (*Retention, error) {
	var r Retention
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read the retention policies: %w", err)
	}
	return &r, nil
}

// Marshal is the same text for the same policies.
func (r *Retention) Marshal() ([]byte, error) { return json.Marshal(r) }

// Add enters a policy.
func (r *Retention) Add(tenant Tenant, signal string, p RetentionPolicy) {
	if r.Policies == nil {
		r.Policies = map[Tenant]map[string]RetentionPolicy{}
	}
	if r.Policies[tenant] == nil {
		r.Policies[tenant] = map[string]RetentionPolicy{}
	}
	r.Policies[tenant][signal] = p
}

// Of is the policy of a tenant and signal. A tenant without one has that of the default tenant; where nobody has said, and of a nil
// Retention, it is the zero policy.
func (r *Retention) Of(tenant Tenant, signal Signal) RetentionPolicy {
	if r == nil {
		return RetentionPolicy{}
	}
	if p, ok := r.Policies[tenant][signal.String()]; ok {
		return p
	}
	return r.Policies[DefaultTenant][signal.String()]
}

// Kept is from where on data of a tenant and signal is kept, in Unix nanoseconds; 0 where all of it is.
func (r *Retention) Kept(tenant Tenant, signal Signal, now time.Time) int64 {
	p := r.Of(tenant, signal)
	if p.Days <= 0 || p.Hold {
		return 0
	}
	return now.AddDate(0, 0, -p.Days).UnixNano()
}
