package janitor

import (
	"errors"
	"fmt"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
)

// Config of the janitor.
type Config struct {
	Once       bool             `mapstructure:"once" doc:"Do everything that is due once and end, for a CronJob; otherwise go on until stopped."`
	Interval   time.Duration    `mapstructure:"interval" doc:"How often segments that can be merged are looked for."`
	Upkeep     time.Duration    `mapstructure:"upkeep" doc:"How often partitions are made ahead and expired ones dropped."`
	Wait       time.Duration    `mapstructure:"wait" doc:"With once: how long the database and its schema are waited for."`
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
	HoursAhead time.Duration `mapstructure:"hours_ahead" doc:"How far ahead the hour leaves of the row tables are made."`
}

// MergeConfig says how small segments become large ones.
type MergeConfig struct {
	Disabled    bool          `mapstructure:"disabled" doc:"True leaves segments as the writers made them."`
	MinuteGrace time.Duration `mapstructure:"minute_grace" doc:"How long after its end a minute is closed: its small segments are then merged (level 1)."`
	HourGrace   time.Duration `mapstructure:"hour_grace" doc:"How long after its end an hour is closed: its segments are then merged again (level 2)."`
	MaxItems    int           `mapstructure:"max_items" doc:"Most items merged at once; bounds memory, at about 1 KB an item."`
	Duty        float64       `mapstructure:"duty" doc:"Share of the time that merging may take, above 0 and up to 1; the rest is left to writers and readers."`
}

// RetentionConfig says what is dropped beside the tenants' policies.
type RetentionConfig struct {
	Disabled    bool          `mapstructure:"disabled" doc:"True drops nothing."`
	Ledger      time.Duration `mapstructure:"ledger" doc:"How long the ids of stored batches are kept, by which repeats are recognised."`
	Audit       time.Duration `mapstructure:"audit" doc:"How long the janitor's own audit is kept."`
	LockTimeout time.Duration `mapstructure:"lock_timeout" doc:"How long dropping a partition may wait for readers; it is tried again later."`
}

// DefaultConfig is a janitor that leaves half of its time to others.
func DefaultConfig() Config {
	return Config{
		Interval:   15 * time.Second,
		Upkeep:     10 * time.Minute,
		Wait:       time.Minute,
		Partitions: PartitionsConfig{Ahead: 7 * 24 * time.Hour, HoursAhead: 6 * time.Hour},
		Merge:      MergeConfig{MinuteGrace: 30 * time.Second, HourGrace: 5 * time.Minute, MaxItems: 25 * segment.MaxItems, Duty: 0.5},
		Retention:  RetentionConfig{Ledger: 48 * time.Hour, Audit: 90 * 24 * time.Hour, LockTimeout: time.Second},
		Postgres:   postgres.DefaultConfig(),
		Ops:        service.OpsConfig{Address: "127.0.0.1:8082"},
	}
}

// Validate checks the configuration.
func (c Config) Validate() error {
	var errs []error
	positive := func(name string, d time.Duration) {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s: %s is not positive", name, d))
		}
	}
	positive("interval", c.Interval)
	positive("upkeep", c.Upkeep)
	positive("partitions.ahead", c.Partitions.Ahead)
	positive("partitions.hours_ahead", c.Partitions.HoursAhead)
	positive("retention.audit", c.Retention.Audit)
	positive("retention.lock_timeout", c.Retention.LockTimeout)
	if c.Partitions.Ahead > 366*24*time.Hour {
		errs = append(errs, fmt.Errorf("partitions.ahead: %s is more than a year", c.Partitions.Ahead))
	}
	if c.Wait < 0 || c.Merge.MinuteGrace < 0 || c.Merge.HourGrace < 0 {
		errs = append(errs, errors.New("wait, merge.minute_grace and merge.hour_grace: must not be negative"))
	}
	if c.Merge.MaxItems < 2*segment.MaxItems || c.Merge.MaxItems > 1_000_000 {
		errs = append(errs, fmt.Errorf("merge.max_items: %d is not between %d and 1,000,000", c.Merge.MaxItems, 2*segment.MaxItems))
	}
	if !(c.Merge.Duty > 0 && c.Merge.Duty <= 1) {
		errs = append(errs, fmt.Errorf("merge.duty: %g is not above 0 and up to 1", c.Merge.Duty))
	}
	if c.Retention.Ledger < 24*time.Hour {
		errs = append(errs, fmt.Errorf("retention.ledger: %s is less than the 24h over which a repeat must be recognised", c.Retention.Ledger))
	}
	return errors.Join(append(errs, c.Postgres.Validate())...)
}
