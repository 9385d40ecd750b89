package telemetry

import (
	"encoding/json"
	"fmt"
)

// Limit is one of the things of which a tenant may have so much and no more.
type Limit uint8

// The limits. Rates are a second, from a bucket that holds LimitBurst seconds of them.
const (
	LimitBytes            Limit = iota // bytes of requests, decompressed
	LimitSpans                         // items of traces
	LimitLogRecords                    // … of logs
	LimitDataPoints                    // … of metrics
	LimitBurst                         // how many seconds of a rate may come at once
	LimitInFlightBytes                 // bytes of requests that are being received and published
	LimitInFlightRequests              // … and how many these are
	LimitSeries                        // series of metrics of which a point came in the last one to two hours
	NumLimits
)

// limitNames are the limits as settings, the table tenant_limit and the command line name them.
var limitNames = [NumLimits]string{ //nolint:gochecknoglobals // a table
	LimitBytes: "bytes_per_second", LimitSpans: "spans_per_second", LimitLogRecords: "log_records_per_second", LimitDataPoints: "data_points_per_second",
	LimitBurst: "burst_seconds", LimitInFlightBytes: "in_flight_bytes", LimitInFlightRequests: "in_flight_requests",
	LimitSeries: "active_series",
}

// MaxLimit bounds the value of a limit, so that no sum of them overflows.
const MaxLimit = 1 << 50

// MaxBurst bounds LimitBurst: an hour.
const MaxBurst = 3600

// MaxSeries bounds LimitSeries: ingest remembers each of them.
const MaxSeries = 1 << 20

// String is the limit's name.
func (l Limit) String() string { return limitNames[l] }

// Most is the largest value that the limit may have.
func (l Limit) Most() int64 {
	if l == LimitBurst {
		return MaxBurst
	}
	if l == LimitSeries {
		return MaxSeries
	}
	return MaxLimit
}

// Check is nil for a value that the limit may have, else fault.Invalid.
func (l Limit) Check(value int64) error {
	if value < 0 || value > l.Most() {
		return ErrLimit.Newf("%s is %d: want 0, which is no limit, to %d", l, value, l.Most())
	}
	return nil
}

// ParseLimit is the inverse of String; fault.Invalid for what is none.
func ParseLimit(name string) (Limit, error) {
	for l, known := range limitNames {
		if known == name {
			return Limit(l), nil
		}
	}
	return 0, ErrLimit.Newf("%.40q is no limit: there are %v", name, limitNames)
}

// LimitItems is the limit on a signal's items.
func LimitItems(signal Signal) Limit {
	switch signal {
	case Traces:
		return LimitSpans
	case Logs:
		return LimitLogRecords
	case Metrics:
		return LimitDataPoints
	}
	return LimitSpans
}

// Quota is what a tenant may have of everything; 0 is no limit.
type Quota [NumLimits]int64

// Unlimited reports whether nothing is limited.
func (q Quota) Unlimited() bool {
	q[LimitBurst] = 0
	return q == Quota{}
}

// QuotaSnapshot is the name under which the bus carries the quotas of tenants.
const QuotaSnapshot = "quotas"

// EveryTenant stands, in the table tenant_limit, for all tenants that say nothing else. No tenant has this name.
const EveryTenant Tenant = "*"

// Quotas are what has been said of tenants' limits: the table tenant_limit, for those who have no database.
type Quotas struct {
	Tenants map[Tenant]map[string]int64 `json:"tenants"` // by name of the limit
}

// ParseQuotas reads what Marshal wrote. A limit that only a later build knows limits nothing here; one out of bounds is an error.
func ParseQuotas(data []byte) (*Quotas, error) {
	var q Quotas
	if err := json.Unmarshal(data, &q); err != nil {
		return nil, fmt.Errorf("read the quotas: %w", err)
	}
	for tenant, own := range q.Tenants {
		for name, value := range own {
			if l, err := ParseLimit(name); err == nil {
				if err := l.Check(value); err != nil {
					return nil, fmt.Errorf("tenant %.64q: %w", string(tenant), err)
				}
			}
		}
	}
	return &q, nil
}

// Marshal is the same text for the same quotas.
func (q *Quotas) Marshal() ([]byte, error) { return json.Marshal(q) }

// Add enters a limit of a tenant.
func (q *Quotas) Add(tenant Tenant, limit string, value int64) {
	if q.Tenants == nil {
		q.Tenants = map[Tenant]map[string]int64{}
	}
	if q.Tenants[tenant] == nil {
		q.Tenants[tenant] = map[string]int64{}
	}
	q.Tenants[tenant][limit] = value
}

// Of is the quota of a tenant: each limit as was said for it, or else for EveryTenant, or else as in base. own reports whether anything was
// said for the tenant itself. A nil Quotas says nothing.
func (q *Quotas) Of(tenant Tenant, base Quota) (quota Quota, own bool) {
	if q == nil || len(q.Tenants) == 0 {
		return base, false
	}
	mine, own := q.Tenants[tenant]
	for _, said := range []map[string]int64{q.Tenants[EveryTenant], mine} {
		if len(said) == 0 {
			continue
		}
		for l, name := range limitNames {
			if value, ok := said[name]; ok {
				base[l] = value
			}
		}
	}
	return base, own
}
