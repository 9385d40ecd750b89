package telemetry

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Placement is what lies together in the database, and what a transaction that stores or merges telemetry touches one of: the tenant, or tenant/n for
// n of the buckets over which one is spread. No tenant's name has a slash (ADR-029).
type Placement string

// Placement is a tenant's bucket of so many; of one bucket, the tenant itself.
func (t Tenant) Placement(bucket, of int) Placement {
	if of <= 1 {
		return Placement(t)
	}
	return Placement(string(t) + "/" + strconv.Itoa(bucket))
}

// Tenant is whose placement it is.
func (p Placement) Tenant() Tenant {
	tenant, _, _ := strings.Cut(string(p), "/")
	return Tenant(tenant)
}

// Bucket is which of so many buckets a request lies in: the same for all its batches, so that what the ledger says of it is there too.
func (id RequestID) Bucket(of int) int {
	if of <= 1 {
		return 0
	}
	return int(binary.BigEndian.Uint64(id[:8]) % uint64(of)) //nolint:gosec // less than of
}

// Spread says over how many buckets a tenant is spread from a time on.
type Spread struct {
	Since   time.Time
	Buckets int
}

// Spreads are all that was said of tenants, each tenant's in any order. Of one of which nothing was said there is one bucket.
type Spreads map[Tenant][]Spread

// settling is for how long after a change a request is still looked for where it was before: as long as the ledger knows it, two days, and a day
// for clocks and for writers that have not heard of the change.
const settling = 3 * 24 * time.Hour

// Homes are where a request's row of the ledger belongs at a time: first where its items go now, then where they would have gone by what was
// said of its tenant lately. Whoever claims it claims it in all of them, so that one who knows of a change and one who does not meet in one.
func (s Spreads) Homes(t Tenant, id RequestID, now time.Time) []Placement {
	all := s[t]
	if len(all) == 0 {
		return []Placement{t.Placement(0, 1)}
	}
	current := Spread{Buckets: 1}
	for _, one := range all {
		if !one.Since.After(now) && !one.Since.Before(current.Since) {
			current = one
		}
	}
	homes := []Placement{t.Placement(id.Bucket(current.Buckets), current.Buckets)}
	also := func(buckets int) {
		if home := t.Placement(id.Bucket(buckets), buckets); !slices.Contains(homes, home) {
			homes = append(homes, home)
		}
	}
	// What was in effect when the time of settling began, and all that came into effect since.
	before := Spread{Buckets: 1}
	for _, one := range all {
		switch {
		case one.Since.After(now):
		case one.Since.After(now.Add(-settling)):
			also(one.Buckets)
		case !one.Since.Before(before.Since):
			before = one
		}
	}
	also(before.Buckets)
	return homes
}
