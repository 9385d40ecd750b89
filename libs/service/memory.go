package service

import (
	"context"
	"log/slog"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/ollyscale/ollyscale/libs/settings"
)

// The memory of the process: what it may use, and giving back what it does not use any more. Roles take their own budgets from Env.Memory.

// MemoryConfig bounds the memory of the process.
type MemoryConfig struct {
	Limit int64   `mapstructure:"limit" doc:"Bytes of memory that the process may use. 0 for GOMEMLIMIT where it is set, else what its cgroup (v1 or v2) allows."`
	Share float64 `mapstructure:"share" doc:"Part of what the cgroup allows that the garbage collector keeps to; the rest is for what it does not see."`
}

// Validate names the keys that are wrong.
func (c MemoryConfig) Validate() error {
	var p settings.Problems
	settings.NotNegative(&p, "limit", c.Limit)
	if !(c.Share > 0 && c.Share <= 1) {
		p.Refuse("share", "%v is not above 0 and at most 1", c.Share)
	}
	return p.Err()
}

// goLimit is what GOMEMLIMIT says, 0 where it says nothing.
func goLimit() int64 {
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		return limit
	}
	return 0
}

// limitMemory makes the garbage collector keep to what the process may use, and returns that; 0 where nothing limits it. explicit is what
// GOMEMLIMIT says; cgroup tells what the cgroup allows, with an error where it does not limit.
func limitMemory(c MemoryConfig, explicit int64, cgroup func() (uint64, error), set func(int64)) int64 {
	switch allowed, err := cgroup(); {
	case c.Limit > 0:
		set(c.Limit)
		return c.Limit
	case explicit > 0:
		return explicit
	case err != nil || allowed == 0 || allowed >= math.MaxInt64/2: // v1 says a number near the largest where there is no limit
		return 0
	default:
		limit := int64(float64(allowed) * c.Share)
		set(limit)
		return limit
	}
}

// startMemory is limitMemory for this process. A process without a limit in any cgroup is as it was.
func startMemory(ctx context.Context, c MemoryConfig, log *slog.Logger) int64 {
	limit := limitMemory(c, goLimit(), memlimit.FromCgroup, func(n int64) { debug.SetMemoryLimit(n) })
	if limit > 0 {
		log.InfoContext(ctx, "memory is limited", "bytes", limit)
	}
	return limit
}

// footprint is what the process has of the operating system's memory for Go, and how often the garbage was collected.
type footprint struct {
	bytes  uint64
	cycles uint64
}

func measure() footprint {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/gc/cycles/total:gc-cycles"},
	}
	metrics.Read(samples)
	return footprint{bytes: samples[0].Value.Uint64() - samples[1].Value.Uint64(), cycles: samples[2].Value.Uint64()}
}

const (
	// trimEvery is how often it is looked whether memory can be given back.
	trimEvery = 15 * time.Second
	// trimFrom is the growth that is worth a collection for giving back.
	trimFrom = 32 << 20
)

// trimmer gives memory back after a burst. Left alone, the collector runs when the heap has doubled, or two minutes after its last run, and
// with a memory limit it sees no reason to give back what is below it: a process that was busy for a second would stay large for minutes.
type trimmer struct {
	measure func() footprint
	release func()
	last    footprint
	least   uint64 // bytes at the start, or after the release that left the fewest
	pause   int    // looks between two releases that gain little
	skip    int    // looks still to be left out
}

// newTrimmer is made before the process has work: a burst may come before the first look.
func newTrimmer(measure func() footprint, release func()) *trimmer {
	now := measure()
	return &trimmer{measure: measure, release: release, last: now, least: now.bytes}
}

// longestPause is two minutes of looks, after which Go collects by itself.
const longestPause = 7

// look releases memory when the process is quiet, which is when it collected at most once since the last look, and larger than it was at rest.
// What a release leaves may be in use at that moment and garbage at the next, without any growth that would tell: it is looked at again, less
// and less often while nothing comes of it, as in a process that is larger because of what it keeps.
func (t *trimmer) look() {
	now := t.measure()
	before := t.last
	t.last = now
	switch {
	case now.bytes > before.bytes+trimFrom:
		t.pause, t.skip = 0, 0 // a new burst
	case t.skip > 0:
		t.skip--
		return
	}
	if now.cycles > before.cycles+1 || now.bytes <= t.least+trimFrom {
		return
	}
	t.release()
	t.last = t.measure()
	t.least = min(t.least, t.last.bytes)
	t.pause = min(2*t.pause+1, longestPause)
	if t.last.bytes+trimFrom/4 < now.bytes {
		t.pause = 0
	}
	t.skip = t.pause
}

// giveBack collects twice, since what pools keep outlives one collection, and gives the system what is free then.
func giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
}

// trim looks until ctx ends.
func trim(ctx context.Context) error {
	t := newTrimmer(measure, giveBack)
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			t.look()
		}
	}
}
