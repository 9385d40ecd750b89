package segment

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/scratch"
	"github.com/ollyscale/ollyscale/libs/segment/internal/streams"
	"github.com/ollyscale/ollyscale/libs/segment/internal/table"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// column decodes an integer column of all rows, once. References are those of the segment.
func (x *decoder) column(c Column) ([]int64, error) {
	if x.columns.read[c] != nil {
		return x.columns.read[c], nil
	}
	x.columns.memory[c] = scratch.Slice(x.columns.memory[c], x.d.Items)
	return x.columns.memory[c], x.fill(c, x.columns.memory[c])
}

// fill decodes an integer column into dst, and remembers it.
func (x *decoder) fill(c Column, dst []int64) (err error) {
	switch {
	case c == ColNumber:
		err = x.numberColumn(dst)
	case table.AppliesTo(c) != 0:
		err = x.sparse(c, table.AppliesTo(c), dst)
	default:
		err = x.ints(c, dst)
	}
	x.columns.read[c] = dst
	return err
}

// ints decodes a column of numbers that may be absent (zero) or constant.
func (x *decoder) ints(c Column, dst []int64) error {
	s := x.d.Section(uint8(c))
	if s == nil {
		clear(dst)
		return nil
	}
	if s.Constant() {
		if err := s.Understood(); err != nil {
			return err
		}
		for i := range dst {
			dst[i] = s.Min
		}
		return nil
	}
	src, err := x.in.Source(s)
	if err != nil {
		return err
	}
	switch {
	case table.IsDouble(c):
		x.r.ReadDoubles(src, dst)
	case isRelative(c):
		relative := src.Byte()
		x.r.Read(src, dst)
		if relative != 0 {
			times, err := x.column(ColTime)
			if err != nil {
				return err
			}
			for i := range dst {
				dst[i] += times[i]
			}
		}
	default:
		x.r.Read(src, dst)
	}
	if src.Bad {
		return damagedf("column %d", c)
	}
	return nil
}

func (t *Table) readInts(x *decoder) error {
	for _, c := range t.b.Schema.Ints {
		if !x.needs.section(uint8(c)) {
			continue
		}
		if !x.needs.want.All && !slices.Contains(x.needs.want.Ints, c) {
			if _, err := x.column(c); err != nil { // others need it
				return err
			}
			continue
		}
		if err := t.readColumn(x, c); err != nil {
			return err
		}
		dst := t.Ints[c][len(t.Ints[c])-x.picked:]
		var refs []uint32
		switch c {
		case ColResource:
			refs = x.resources
		case ColScope:
			refs = x.scopes
		case ColSeries:
			refs = x.series
		default:
			continue
		}
		for i, v := range dst {
			if uint64(v) >= uint64(len(refs)) {
				return damagedf("column %d refers to entry %d of %d", c, v, len(refs))
			}
			dst[i] = int64(refs[v])
		}
	}
	if t.Signal == telemetry.Metrics && x.columns.read[ColKind] != nil {
		return t.checkKinds(x)
	}
	return nil
}

// readColumn appends an integer column.
func (t *Table) readColumn(x *decoder, c Column) error {
	before := len(t.Ints[c])
	t.Ints[c] = grow(t.Ints[c], x.picked)
	dst := t.Ints[c][before:]
	switch {
	case x.pick != nil:
		return x.someInts(c, x.pick, dst)
	case x.columns.read[c] == nil:
		return x.fill(c, dst)
	default:
		copy(dst, x.columns.read[c])
		return nil
	}
}

// someInts fills dst with an integer column of some rows, in rising order: where these are few, it takes a fraction of the time of column.
func (x *decoder) someInts(c Column, rows []uint32, dst []int64) error {
	s := x.d.Section(uint8(c))
	if x.columns.read[c] == nil && s != nil && !s.Constant() && plainInts(x.d.Signal, c) {
		src, err := x.in.Source(s)
		if err != nil {
			return err
		}
		relative := isRelative(c) && src.Byte() != 0
		if x.r.Pick(src, x.d.Items, rows, dst); src.Bad {
			return damagedf("column %d", c)
		}
		if !relative {
			return nil
		}
		times := make([]int64, len(rows))
		if err := x.someInts(ColTime, rows, times); err != nil {
			return err
		}
		for i, t := range times {
			dst[i] += t
		}
		return nil
	}
	col, err := x.column(c)
	if err != nil {
		return err
	}
	for i, r := range rows {
		dst[i] = col[r]
	}
	return nil
}

// isRelative tells of the columns that may be differences from the item's time.
func isRelative(c Column) bool { return c == ColObservedTime || c == ColStartTime }

// plainInts tells whether a column is one list of integers for all rows.
func plainInts(signal telemetry.Signal, c Column) bool {
	switch c {
	case ColTime, ColPosition, ColOrdinal, ColResource, ColScope, ColSeries, ColDuration, ColStatus, ColFlags, ColDroppedAttributes, ColDroppedEvents,
		ColDroppedLinks, ColSeverity, ColObservedTime, ColStartTime:
		return true
	case ColKind, ColHas:
		return signal != telemetry.Metrics
	default:
		return false
	}
}

// checkKinds: a point has one of the five kinds, and that of its metric where the series are read too.
func (t *Table) checkKinds(x *decoder) error {
	kinds := x.columns.read[ColKind]
	for _, k := range kinds {
		if k < int64(Gauge) || k > int64(Summary) {
			return damagedf("point of kind %d", k)
		}
	}
	if !x.needs.section(uint8(ColSeries)) {
		return nil
	}
	series := t.Ints[ColSeries][len(t.Ints[ColSeries])-x.picked:]
	for i, s := range series {
		row := i
		if x.pick != nil {
			row = int(x.pick[i])
		}
		if k := t.Metrics[t.Series[s].Metric].Kind; int64(k) != kinds[row] {
			return damagedf("point of kind %d in a metric of kind %d", kinds[row], k)
		}
	}
	return nil
}

// numberColumn decodes the values of number points.
func (x *decoder) numberColumn(dst []int64) error {
	s := x.d.Section(uint8(ColNumber))
	clear(dst)
	if s == nil {
		return nil
	}
	src, err := x.in.Source(s)
	if err != nil {
		return err
	}
	has, err := x.column(ColHas)
	if err != nil {
		return err
	}
	x.numbersByHas(src, has, dst)
	if src.Bad {
		return damagedf("column %d", ColNumber)
	}
	return nil
}

func (x *decoder) numbersByHas(src *streams.Source, has, dst []int64) {
	ints, doubles := 0, 0
	for _, h := range has {
		switch {
		case h&HasInt != 0:
			ints++
		case h&HasDouble != 0:
			doubles++
		}
	}
	x.columns.v, x.columns.w = scratch.Slice(x.columns.v, ints), scratch.Slice(x.columns.w, doubles)
	x.r.Read(src, x.columns.v)
	x.r.ReadDoubles(src, x.columns.w)
	if src.Bad {
		return
	}
	v, w := x.columns.v, x.columns.w
	for i, h := range has {
		switch {
		case h&HasInt != 0:
			dst[i] = v[0]
			v = v[1:]
		case h&HasDouble != 0:
			dst[i] = w[0]
			w = w[1:]
		default:
			dst[i] = 0
		}
	}
}

func ofKind(kinds uint8, k int64) bool { return k >= 0 && k < 8 && kinds>>k&1 != 0 }

// ofKinds counts the points of the given kinds.
func (x *decoder) ofKinds(kinds uint8) (int, error) {
	column, err := x.column(ColKind)
	n := 0
	for _, k := range column {
		if ofKind(kinds, k) {
			n++
		}
	}
	return n, err
}

func (x *decoder) sparse(c Column, kinds uint8, dst []int64) error {
	clear(dst)
	if x.d.Section(uint8(c)) == nil {
		return nil
	}
	n, err := x.ofKinds(kinds)
	if err != nil {
		return err
	}
	v := scratch.Slice(x.columns.v, n)
	x.columns.v = v
	if err := x.ints(c, v); err != nil {
		return err
	}
	for i, k := range x.columns.read[ColKind] {
		if ofKind(kinds, k) {
			dst[i] = v[0]
			v = v[1:]
		}
	}
	return nil
}
