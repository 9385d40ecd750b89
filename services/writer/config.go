package writer

import (
	"time"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
)

// Config is the writer's configuration.
type Config struct {
	Bus      bus.Config        `mapstructure:"bus"`
	Postgres postgres.Config   `mapstructure:"postgres"`
	Ops      service.OpsConfig `mapstructure:"ops"`
	Flush    FlushConfig       `mapstructure:"flush"`
}

// FlushConfig says when what was fetched is written.
type FlushConfig struct {
	QuietAfter    time.Duration `mapstructure:"quiet_after" doc:"A flush of few items is written at this age; 0 waits for no more."`
	Longest       time.Duration `mapstructure:"longest" doc:"No item waits longer than this to be written, unless the database is behind."`
	WorthItems    int           `mapstructure:"worth_items" doc:"With this many items a flush waits beyond quiet_after, because a larger segment is cheaper, until it fills one; 0 always waits."`
	MaxItems      int           `mapstructure:"max_items" doc:"A flush is written when it holds this many items."`
	MaxBytes      int           `mapstructure:"max_bytes" doc:"A flush is written when it holds this many bytes of OTLP."`
	SegmentItems  int           `mapstructure:"segment_items" doc:"Most items of one segment as the writer makes it; the janitor merges small ones later."`
	Concurrency   int           `mapstructure:"concurrency" doc:"Flushes of one signal on their way at once: one is built while another is committed."`
	MaxHeldBytes  int64         `mapstructure:"max_held_bytes" doc:"Most bytes of OTLP that the writer holds over all signals; nothing more is fetched until some of it is written."`
	MaxKnownBytes int64         `mapstructure:"max_known_bytes" doc:"Bytes, at most, in which the writer remembers which services, operations, resources, scopes and series the database has: 16 an entry, and three quarters of them for series. Of more than fit, the database is asked. 0 for a thirty-second of what the process may use, 32 MiB where nothing limits it, and never less than 2."`
	Timeout       time.Duration `mapstructure:"timeout" doc:"How long one attempt to write a flush may take."`
	Drain         time.Duration `mapstructure:"drain" doc:"How long a stopping writer goes on writing what it holds; the rest goes back to the bus. 0 writes no more."`
	MaxAhead      time.Duration `mapstructure:"max_ahead" doc:"How far in the future an item may lie; not less than admit.max_ahead of ingest. What lies beyond it is not stored, and its batch becomes a dead letter; 0 allows none in the future."`
	PolicyRefresh time.Duration `mapstructure:"policy_refresh" doc:"How soon a changed policy takes effect, at most 1m: by then olly.rows promises rows to who asked for them. 0 asks for it with every flush."`
}

// DefaultConfig writes what comes in within a second when it is quiet, and 8,000 items at a time when it is not.
func DefaultConfig() Config {
	return Config{
		Bus:      bus.DefaultConfig(),
		Postgres: postgres.DefaultConfig(),
		Ops:      service.OpsConfig{Address: "127.0.0.1:8081"},
		Flush:    defaultFlush(),
	}
}

func defaultFlush() FlushConfig {
	return FlushConfig{
		QuietAfter:    250 * time.Millisecond,
		Longest:       750 * time.Millisecond,
		WorthItems:    100,
		MaxItems:      8000,
		MaxBytes:      8 << 20,
		SegmentItems:  2000,
		Concurrency:   2,
		MaxHeldBytes:  32 << 20,
		Timeout:       30 * time.Second,
		Drain:         20 * time.Second,
		MaxAhead:      24 * time.Hour,
		PolicyRefresh: 15 * time.Second,
	}
}

// mostPolicyRefresh is the minute in which olly.rows counts on every writer to go by a changed policy: with a longer one there would be no rows of a time
// of which the view says that there are.
const mostPolicyRefresh = time.Minute

// known is the memory for dimension entries of a process that may use so many bytes, 0 where nothing limits it.
func (c FlushConfig) known(memory int64) int64 {
	const unlimited, least = 32 << 20, 2 << 20
	switch {
	case c.MaxKnownBytes > 0:
		return c.MaxKnownBytes
	case memory > 0:
		return max(memory/32, least)
	}
	return unlimited
}

// Validate names the keys that are wrong.
func (c Config) Validate() error {
	var p settings.Problems
	p.Section("bus", c.Bus.Validate())
	p.Section("postgres", c.Postgres.Validate())
	f := c.Flush
	if f.QuietAfter < 0 || f.QuietAfter > f.Longest {
		p.Refuse("flush.quiet_after", "%s is not between 0 and flush.longest (%s)", f.QuietAfter, f.Longest)
	}
	settings.Between(&p, "flush.longest", f.Longest, time.Millisecond, 30*time.Second)
	settings.NotNegative(&p, "flush.worth_items", f.WorthItems)
	settings.AtLeast(&p, "flush.max_items", f.MaxItems, 1)
	settings.AtLeast(&p, "flush.max_bytes", f.MaxBytes, 1)
	settings.Between(&p, "flush.segment_items", f.SegmentItems, 1, segment.MaxItems)
	settings.Between(&p, "flush.concurrency", f.Concurrency, 1, 32)
	if f.MaxHeldBytes < int64(f.MaxBytes) {
		p.Refuse("flush.max_held_bytes", "%s is less than flush.max_bytes (%s)", settings.Bytes(f.MaxHeldBytes), settings.Bytes(f.MaxBytes))
	}
	settings.NotNegative(&p, "flush.max_known_bytes", f.MaxKnownBytes)
	settings.AtLeast(&p, "flush.timeout", f.Timeout, time.Second)
	settings.NotNegative(&p, "flush.drain", f.Drain)
	settings.NotNegative(&p, "flush.max_ahead", f.MaxAhead)
	settings.Between(&p, "flush.policy_refresh", f.PolicyRefresh, 0, mostPolicyRefresh)
	return p.Err()
}
