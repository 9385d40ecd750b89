package janitor

import (
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/quotastore"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
)

// Config of the janitor.
type Config struct {
	Once       bool             `mapstructure:"once" usual:"true" doc:"Do everything that is due once and end, for a CronJob; otherwise go on until stopped."`
	Interval   time.Duration    `mapstructure:"interval" doc:"How often segments that can be merged are looked for."`
	Upkeep     time.Duration    `mapstructure:"upkeep" doc:"How often partitions are made ahead and expired ones dropped."`
	Wait       time.Duration    `mapstructure:"wait" doc:"With once: how long the database and its schema are waited for; 0 asks once."`
	Partitions PartitionsConfig `mapstructure:"partitions"`
	Merge      MergeConfig      `mapstructure:"merge"`
	Retention  RetentionConfig  `mapstructure:"retention"`
	// The janitor holds a session lock: behind a pooler in transaction mode it needs a connection of its own to the server.
	Postgres postgres.Config   `mapstructure:"postgres"`
	Ops      service.OpsConfig `mapstructure:"ops"`
}

// PartitionsConfig says how far ahead partitions are made.
type PartitionsConfig struct {
	Ahead      time.Duration `mapstructure:"ahead" doc:"How far ahead the partitions of days are made."`
	HoursAhead time.Duration `mapstructure:"hours_ahead" doc:"How far ahead the hour leaves of the row tables are made, where anybody keeps rows."`
}

// MergeConfig says how small segments become large ones.
type MergeConfig struct {
	Disabled    bool          `mapstructure:"disabled" doc:"True leaves segments as the writers made them."`
	MinuteGrace time.Duration `mapstructure:"minute_grace" doc:"How long after its end a minute is closed: its small segments are then merged. 0 closes it at its end."`
	HourGrace   time.Duration `mapstructure:"hour_grace" doc:"How long after its end an hour is closed: what its minutes did not settle is then merged again. 0 closes it at its end."`
	SlotDelay   time.Duration `mapstructure:"slot_delay" doc:"How long after no segment names it any more a slot of merged bodies is emptied. As long as queries may take, or some begin anew; 0 empties at once."`
	MaxItems    int           `mapstructure:"max_items" doc:"Most items merged at once; bounds memory, at about 1 KB an item."`
	Duty        float64       `mapstructure:"duty" doc:"Share of the time that merging may take, above 0 and up to 1; the rest is left to writers and readers."`
}

// RetentionConfig says what is dropped beside the tenants' policies.
type RetentionConfig struct {
	Disabled    bool          `mapstructure:"disabled" doc:"True drops nothing."`
	Ledger      time.Duration `mapstructure:"ledger" doc:"How long the ids of stored batches are kept, by which repeats are recognised."`
	Audit       time.Duration `mapstructure:"audit" doc:"How long the janitor's own audit is kept."`
	Keys        time.Duration `mapstructure:"keys" doc:"How long a key that was revoked or has expired is listed; 0 removes it at the next upkeep. Rows that were sent with it go on to name its id."`
	Usage       time.Duration `mapstructure:"usage" doc:"How long it is told what of a tenant was stored on a day."`
	LockTimeout time.Duration `mapstructure:"lock_timeout" doc:"How long dropping a partition may wait for readers; it is tried again later."`
}

// DefaultConfig is a janitor that leaves half of its time to others.
func DefaultConfig() Config {
	return Config{
		Interval:   15 * time.Second,
		Upkeep:     10 * time.Minute,
		Wait:       time.Minute,
		Partitions: PartitionsConfig{Ahead: 7 * 24 * time.Hour, HoursAhead: 6 * time.Hour},
		Merge:      MergeConfig{MinuteGrace: 30 * time.Second, HourGrace: 5 * time.Minute, SlotDelay: 35 * time.Second, MaxItems: 25 * segment.MaxItems, Duty: 0.5},
		Retention:  RetentionConfig{Ledger: 48 * time.Hour, Audit: 90 * 24 * time.Hour, Keys: 30 * 24 * time.Hour, Usage: 400 * 24 * time.Hour, LockTimeout: time.Second},
		Postgres:   postgres.DefaultConfig(),
		Ops:        service.OpsConfig{Address: "127.0.0.1:8082"},
	}
}

// Validate names the keys that are wrong.
func (c Config) Validate() error {
	var p settings.Problems
	settings.Positive(&p, "interval", c.Interval)
	settings.Positive(&p, "upkeep", c.Upkeep)
	settings.NotNegative(&p, "wait", c.Wait)
	settings.Positive(&p, "partitions.ahead", c.Partitions.Ahead)
	if c.Partitions.Ahead > 366*24*time.Hour {
		p.Refuse("partitions.ahead", "%s is more than a year", c.Partitions.Ahead)
	}
	settings.Positive(&p, "partitions.hours_ahead", c.Partitions.HoursAhead)
	settings.NotNegative(&p, "merge.minute_grace", c.Merge.MinuteGrace)
	settings.NotNegative(&p, "merge.hour_grace", c.Merge.HourGrace)
	settings.NotNegative(&p, "merge.slot_delay", c.Merge.SlotDelay)
	settings.Between(&p, "merge.max_items", c.Merge.MaxItems, 2*segment.MaxItems, 1_000_000)
	if !(c.Merge.Duty > 0 && c.Merge.Duty <= 1) {
		p.Refuse("merge.duty", "%g is not above 0 and up to 1", c.Merge.Duty)
	}
	if c.Retention.Ledger < 24*time.Hour {
		p.Refuse("retention.ledger", "%s is less than the 24h over which a repeat must be recognised", c.Retention.Ledger)
	}
	settings.Positive(&p, "retention.audit", c.Retention.Audit)
	settings.NotNegative(&p, "retention.keys", c.Retention.Keys)
	if c.Retention.Usage < quotastore.Late {
		p.Refuse("retention.usage", "%s is less than the %d days in which something may still be added to a day", c.Retention.Usage, quotastore.Late/(24*time.Hour))
	}
	settings.Positive(&p, "retention.lock_timeout", c.Retention.LockTimeout)
	p.Section("postgres", c.Postgres.Validate())
	return p.Err()
}
