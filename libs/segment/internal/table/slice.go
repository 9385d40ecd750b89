package table

// Which rows a segment is made of, and in which order: one hour each, spans and logs by service and time, points by series and time, because
// neighbours that are alike take fewer bytes. The format asks for the hour only.

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/segment/internal/container"
	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// MaxItemBytes bounds the protobuf of one item.
const MaxItemBytes = 8 << 20

// fullBytes is the protobuf of items that fills a segment, whatever their number. Long texts repeat what came before, and more of that is found in a
// larger segment; but whoever reads all of one holds as much in memory.
const fullBytes = 4 * MaxItemBytes

// slicer sorts rows with memory of its own.
type slicer struct {
	keys, tmpKeys []uint64
	rows, tmpRows []uint32
	rank          []uint32
	count         []uint32
	order         []uint32
	out, outApart [][]uint32
	outliers      outliers
	firsts        map[int64]uint32 // arrivals: of an id, the first that has it
	first         []uint32         // of each series, the first with its id; valid while series are ranked, as is what follows
	firstResource []uint32         // the same of resources
}

// Slices cuts the table's rows into the row sets of future segments: each of one UTC hour (by ColTime) and at most maxItems (container.MaxItems
// when it is not positive), hour after hour. Spans and logs: each is a time slice, sorted inside by (service, time); points: each is
// a range of series within the hour, sorted by (series, time), so that a metric lies in as few segments as possible. Stable. The
// result is valid until the next call or Reset.
func (t *Builder) Slices(maxItems int) [][]uint32 {
	common, _ := t.slices(maxItems, false)
	return common
}

// SlicesApart is Slices, but of an hour with many spans the few that are looked for most, outliers (outliers.go), are in sets of their own: whoever
// looks for what fails or takes long opens their segments, instead of all to find one or two spans in each.
func (t *Builder) SlicesApart(maxItems int) (common, apart [][]uint32) {
	return t.slices(maxItems, true)
}

func (t *Builder) slices(maxItems int, apartToo bool) (common, apart [][]uint32) {
	if maxItems <= 0 || maxItems > container.MaxItems {
		maxItems = container.MaxItems
	}
	s := &t.slicer
	n := t.N
	s.out, s.outApart = s.out[:0], s.outApart[:0]
	if n == 0 {
		return s.out, s.outApart
	}
	s.keys, s.tmpKeys = scratch.Slice(s.keys, n), scratch.Slice(s.tmpKeys, n)
	s.rows, s.tmpRows = scratch.Slice(s.rows, n), scratch.Slice(s.tmpRows, n)
	times := t.Ints[ColTime]
	for i, at := range times {
		s.keys[i] = uint64(at) ^ 1<<63 // order of signed numbers
		s.rows[i] = uint32(i)
	}
	s.sort()
	if t.Signal == telemetry.Metrics {
		t.rankSeries()
	} else {
		t.rankServices()
	}
	for from := 0; from < n; {
		h := telemetry.Grain(times[s.rows[from]], time.Hour)
		to := from + 1
		for to < n && telemetry.Grain(times[s.rows[to]], time.Hour) == h {
			to++
		}
		rows := s.rows[from:to]
		if t.Signal == telemetry.Metrics {
			t.byRank(rows, t.Ints[ColSeries])
		}
		if apartToo && t.Signal == telemetry.Traces {
			others := t.outliersLast(rows)
			s.outApart = t.cut(s.outApart, rows[others:], maxItems)
			rows = rows[:others]
		}
		s.out = t.cut(s.out, rows, maxItems)
		from = to
	}
	return s.out, s.outApart
}

// cut appends rows of an hour to a result, in pieces.
func (t *Builder) cut(to [][]uint32, rows []uint32, maxItems int) [][]uint32 {
	// Equal pieces rather than full ones and a small rest.
	pieces := (len(rows) + maxItems - 1) / maxItems
	for p := range pieces {
		a, b := len(rows)*p/pieces, len(rows)*(p+1)/pieces
		for a < b {
			// A few huge items fill a segment too.
			end, bytes := a, 0
			for end < b && bytes <= fullBytes {
				bytes += int(t.sizes[rows[end]])
				end++
			}
			piece := rows[a:end:end]
			if t.Signal != telemetry.Metrics {
				t.byRank(piece, t.Ints[ColResource])
			}
			to = append(to, piece)
			a = end
		}
	}
	return to
}

// sort is a stable radix sort of rows by keys, byte by byte; bytes in which all keys agree are skipped (of an hour's nanoseconds five
// or six remain).
func (s *slicer) sort() {
	n := len(s.keys)
	same, first := ^uint64(0), s.keys[0]
	for _, k := range s.keys {
		same &= ^(k ^ first)
	}
	var count [256]uint32
	for shift := 0; shift < 64; shift += 8 {
		if byte(same>>shift) == 0xff {
			continue
		}
		clear(count[:])
		for _, k := range s.keys {
			count[byte(k>>shift)]++
		}
		sum := uint32(0)
		for i, c := range count {
			count[i] = sum
			sum += c
		}
		to, toRows := s.tmpKeys[:n], s.tmpRows[:n]
		for i, k := range s.keys {
			at := count[byte(k>>shift)]
			count[byte(k>>shift)]++
			to[at], toRows[at] = k, s.rows[i]
		}
		s.keys, s.tmpKeys = s.tmpKeys, s.keys
		s.rows, s.tmpRows = s.tmpRows, s.rows
	}
}

// rankServices ranks resources by service, so that equal services are neighbours whatever the order of arrival.
func (t *Builder) rankServices() {
	s := &t.slicer
	s.order = scratch.Slice(s.order, len(t.Resources))
	for i := range s.order {
		s.order[i] = uint32(i)
	}
	slices.SortFunc(s.order, func(a, b uint32) int {
		x, y := &t.Resources[a], &t.Resources[b]
		if c := strings.Compare(x.ServiceName, y.ServiceName); c != 0 {
			return c
		}
		return cmp.Compare(x.ServiceID, y.ServiceID)
	})
	s.rank = scratch.Slice(s.rank, len(t.Resources))
	rank := uint32(0)
	for i, r := range s.order {
		if i > 0 && t.Resources[s.order[i-1]].ServiceID != t.Resources[r].ServiceID {
			rank++
		}
		s.rank[r] = rank
	}
	s.count = scratch.Slice(s.count, int(rank)+2)
}

// sparse is how many points a resource has at least for series to be ranked by metric.
const sparse = 16

// rankSeries ranks series by metric name, service, resource and arrival: neighbours share their dictionaries' entries, and what senders tell of
// the same things in the same order, metric after metric, stays in it, so that the numbers of their attributes count up. Where resources have few points,
// a fleet of devices say, these would be lost among what tells of their resources, once in the segments of each metric: there the resource goes
// before the metric.
func (t *Builder) rankSeries() {
	s := &t.slicer
	byResource := t.N < sparse*len(t.Resources)
	s.order = scratch.Slice(s.order, len(t.Series))
	for i := range s.order {
		s.order[i] = uint32(i)
	}
	s.first = s.arrivals(s.first, len(t.Series), func(i int) int64 { return t.Series[i].ID })
	s.firstResource = s.arrivals(s.firstResource, len(t.Resources), func(i int) int64 { return t.Resources[i].ID })
	slices.SortFunc(s.order, func(a, b uint32) int {
		x, y := &t.Series[a], &t.Series[b]
		metric, resource := t.compareMetrics(x, y), t.compareResources(x, y)
		if byResource {
			metric, resource = resource, metric
		}
		return cmp.Or(metric, resource, cmp.Compare(s.first[a], s.first[b]))
	})
	s.rank = scratch.Slice(s.rank, len(t.Series))
	rank := uint32(0)
	for i, r := range s.order {
		if i > 0 && t.Series[s.order[i-1]].ID != t.Series[r].ID {
			rank++
		}
		s.rank[r] = rank
	}
	s.count = scratch.Slice(s.count, int(rank)+2)
}

// arrivals is, of each of n, which is the first that has its id.
func (s *slicer) arrivals(to []uint32, n int, id func(i int) int64) []uint32 {
	if s.firsts == nil {
		s.firsts = make(map[int64]uint32, n)
	}
	clear(s.firsts)
	to = scratch.Slice(to, n)
	for i := range n {
		first, ok := s.firsts[id(i)]
		if !ok {
			first = uint32(i)
			s.firsts[id(i)] = first
		}
		to[i] = first
	}
	return to
}

func (t *Builder) compareMetrics(x, y *Series) int {
	if x.Metric == y.Metric {
		return 0
	}
	return strings.Compare(t.Metrics[x.Metric].Name, t.Metrics[y.Metric].Name)
}

func (t *Builder) compareResources(x, y *Series) int {
	if x.Resource == y.Resource {
		return 0
	}
	p, q := &t.Resources[x.Resource], &t.Resources[y.Resource]
	first := t.slicer.firstResource
	return cmp.Or(strings.Compare(p.ServiceName, q.ServiceName), cmp.Compare(first[x.Resource], first[y.Resource]))
}

// byRank sorts rows by the rank of what they refer to, keeping the order of equals: a counting sort.
func (t *Builder) byRank(rows []uint32, refs []int64) {
	s := &t.slicer
	clear(s.count)
	for _, r := range rows {
		s.count[s.rank[refs[r]]+1]++
	}
	for i := 1; i < len(s.count); i++ {
		s.count[i] += s.count[i-1]
	}
	tmp := s.tmpRows[:len(rows)]
	for _, r := range rows {
		k := s.rank[refs[r]]
		tmp[s.count[k]] = r
		s.count[k]++
	}
	copy(rows, tmp)
}
