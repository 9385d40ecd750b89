package writer

import (
	"errors"
	"fmt"
	"time"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
)

// Config is the writer's configuration. A zero in Flush takes its default.
type Config struct {
	Bus      bus.Config        `mapstructure:"bus"`
	Postgres postgres.Config   `mapstructure:"postgres"`
	Ops      service.OpsConfig `mapstructure:"ops"`
	Flush    FlushConfig       `mapstructure:"flush"`
}

// FlushConfig says when what was fetched is written.
type FlushConfig struct {
	QuietAfter    time.Duration `mapstructure:"quiet_after" doc:"A flush of few items is written at this age."`
	Longest       time.Duration `mapstructure:"longest" doc:"No item waits longer than this to be written, unless the database is behind."`
	WorthItems    int           `mapstructure:"worth_items" doc:"With this many items a flush waits beyond quiet_after, because a larger segment is cheaper, until it fills one."`
	MaxItems      int           `mapstructure:"max_items" doc:"A flush is written when it holds this many items."`
	MaxBytes      int           `mapstructure:"max_bytes" doc:"A flush is written when it holds this many bytes of OTLP."`
	SegmentItems  int           `mapstructure:"segment_items" doc:"Most items of one segment as the writer makes it; the janitor merges small ones later."`
	Concurrency   int           `mapstructure:"concurrency" doc:"Flushes of one signal on their way at once: one is built while another is committed."`
	MaxHeldBytes  int64         `mapstructure:"max_held_bytes" doc:"Most bytes of OTLP that the writer holds over all signals; nothing more is fetched until some of it is written."`
	Timeout       time.Duration `mapstructure:"timeout" doc:"How long one attempt to write a flush may take."`
	Drain         time.Duration `mapstructure:"drain" doc:"How long a stopping writer goes on writing what it holds; the rest goes back to the bus."`
	PolicyRefresh time.Duration `mapstructure:"policy_refresh" doc:"How soon a changed rows window takes effect."`
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
		PolicyRefresh: 15 * time.Second,
	}
}

func (c FlushConfig) withDefaults() FlushConfig {
	d := defaultFlush()
	fill(&c.QuietAfter, d.QuietAfter)
	fill(&c.Longest, d.Longest)
	fill(&c.WorthItems, d.WorthItems)
	fill(&c.MaxItems, d.MaxItems)
	fill(&c.MaxBytes, d.MaxBytes)
	fill(&c.SegmentItems, d.SegmentItems)
	fill(&c.Concurrency, d.Concurrency)
	fill(&c.MaxHeldBytes, d.MaxHeldBytes)
	fill(&c.Timeout, d.Timeout)
	fill(&c.Drain, d.Drain)
	fill(&c.PolicyRefresh, d.PolicyRefresh)
	return c
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate names every setting that cannot work.
func (c Config) Validate() error {
	f := c.Flush.withDefaults()
	errs := []error{c.Bus.Validate(), c.Postgres.Validate()}
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(f.QuietAfter < 0 || f.QuietAfter > f.Longest, "flush.quiet_after: %s is not between 0 and flush.longest (%s)", f.QuietAfter, f.Longest)
	bad(f.Longest > 30*time.Second, "flush.longest: %s is more than 30s", f.Longest)
	bad(f.WorthItems < 0, "flush.worth_items: %d is negative", f.WorthItems)
	bad(f.MaxItems < 1, "flush.max_items: %d is less than 1", f.MaxItems)
	bad(f.MaxBytes < 1, "flush.max_bytes: %d is less than 1", f.MaxBytes)
	bad(f.SegmentItems < 1 || f.SegmentItems > segment.MaxItems, "flush.segment_items: %d is not between 1 and %d", f.SegmentItems, segment.MaxItems)
	bad(f.Concurrency < 1 || f.Concurrency > 32, "flush.concurrency: %d is not between 1 and 32", f.Concurrency)
	bad(f.MaxHeldBytes < int64(f.MaxBytes), "flush.max_held_bytes: %d is less than flush.max_bytes (%d)", f.MaxHeldBytes, f.MaxBytes)
	bad(f.Timeout < time.Second, "flush.timeout: %s is less than 1s", f.Timeout)
	bad(f.Drain < 0, "flush.drain: %s is negative", f.Drain)
	bad(f.PolicyRefresh < 0, "flush.policy_refresh: %s is negative", f.PolicyRefresh)
	return errors.Join(errs...)
}
