package segment

// The header, what PostgreSQL keeps in typed columns beside the bytes (section 2 of docs/segment-format.md).

import (
	"cmp"
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// ServiceStats says what a segment holds of one service; readers prune by it.
type ServiceStats struct {
	ID               int64
	Items            int32
	MaxDuration      int64 // spans, ns
	MaxErrorDuration int64 // spans with status error, ns, at least 0 where there is one, whatever the sender's clock says; -1 without
}

// Header is what PostgreSQL keeps in typed columns beside the bytes; the planner and the reader prune by it.
type Header struct {
	Tenant      telemetry.Tenant
	Signal      telemetry.Signal
	Level       int // 0 flush, 1 put together of a closed minute, 2 settled
	Format      int
	MinTime     int64 // of ColTime, Unix ns, inclusive
	MaxTime     int64 // inclusive
	Items       int
	Errors      int            // spans with status error; records of severity ≥ 17
	Roots       int            // spans without a parent
	Services    []ServiceStats // sorted by ID
	MinPosition int64
	MaxPosition int64
	Checksum    int64 // XXH3-64 of directory and body
}

// header fills what PostgreSQL keeps in typed columns.
func (e *encoder) header(t *table.Builder, rows []uint32, level int) Header {
	h := Header{Tenant: t.Tenant, Signal: t.Signal, Level: level, Format: FormatVersion, Items: len(rows)}
	times, positions := t.Ints[ColTime], t.Ints[ColPosition]
	h.MinTime, h.MaxTime = times[rows[0]], times[rows[0]]
	h.MinPosition, h.MaxPosition = positions[rows[0]], positions[rows[0]]
	var stats []ServiceStats
	// Rows are sorted by service as a rule, so the last entry is nearly always the one.
	at := -1
	lastResource := int64(-1)
	for _, r := range rows {
		x := times[r]
		h.MinTime, h.MaxTime = min(h.MinTime, x), max(h.MaxTime, x)
		p := positions[r]
		h.MinPosition, h.MaxPosition = min(h.MinPosition, p), max(h.MaxPosition, p)
		var resource int64
		if t.Signal == telemetry.Metrics {
			resource = int64(t.Series[t.Ints[ColSeries][r]].Resource)
		} else {
			resource = t.Ints[ColResource][r]
		}
		if resource != lastResource {
			lastResource = resource
			id := t.Resources[resource].ServiceID
			at = slices.IndexFunc(stats, func(s ServiceStats) bool { return s.ID == id })
			if at < 0 {
				at = len(stats)
				s := ServiceStats{ID: id, MaxErrorDuration: -1}
				if t.Signal == telemetry.Traces {
					s.MaxDuration = t.Ints[ColDuration][r]
				}
				stats = append(stats, s)
			}
		}
		s := &stats[at]
		s.Items++
		switch t.Signal {
		case telemetry.Traces:
			d := t.Ints[ColDuration][r]
			s.MaxDuration = max(s.MaxDuration, d)
			if t.Ints[ColStatus][r] == otlp.StatusError {
				h.Errors++
				s.MaxErrorDuration = max(s.MaxErrorDuration, d, 0)
			}
			if t.ParentIDs[r] == [8]byte{} {
				h.Roots++
			}
		case telemetry.Logs:
			if t.Ints[ColSeverity][r] >= otlp.SeverityError {
				h.Errors++
			}
		case telemetry.Metrics:
		}
	}
	slices.SortFunc(stats, func(a, b ServiceStats) int { return cmp.Compare(a.ID, b.ID) })
	h.Services = stats
	return h
}
