package bus

import (
	"log/slog"
	"time"

	"github.com/ollyscale/ollyscale/libs/seldom"
)

// Reads makes a bus of a build that reads the envelope up to a version.
func (b *Bus) Reads(version int) { b.reads = version }

// Seldom makes the clock by which floods of log lines are counted.
func (b *Bus) Seldom(log *slog.Logger, now func() time.Time) { b.seldom = seldom.New(log, now) }
