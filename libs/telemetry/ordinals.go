package telemetry

import (
	"slices"
	"strconv"
	"strings"
)

// Ordinals is a set of a request's items. An item's ordinal is its number in the request as it was sent, from 0, in the order of the wire:
// spans, log records or data points, whatever becomes of them. So it does not depend on what is admitted or how the request is cut.
// The runs ascend and do not touch; the methods keep it so. Nil is the empty set.
type Ordinals []Run

// Run is the ordinals from From up to, and not including, To.
type Run struct{ From, To uint32 }

// maxRuns bounds the runs of one part: what a batch says of its items must fit a message's headers (18 bytes a run at most).
const maxRuns = 256

// runBytes is what a run takes of memory.
const runBytes = 8

// FirstOrdinals is the set of the first n ordinals: a whole request of n items.
func FirstOrdinals(n int) Ordinals {
	if n <= 0 {
		return nil
	}
	return Ordinals{{0, uint32(n)}} //nolint:gosec // no request has so many items
}

// Count is how many ordinals the set has.
func (o Ordinals) Count() int {
	n := 0
	for _, r := range o {
		n += int(r.To - r.From)
	}
	return n
}

// Equal reports whether two sets are the same.
func (o Ordinals) Equal(other Ordinals) bool { return slices.Equal(o, other) }

// Add is the set and an ordinal that is greater than all of it. As append does, it may write to the set's memory.
func (o Ordinals) Add(ordinal uint32) Ordinals {
	if n := len(o); n > 0 && o[n-1].To == ordinal {
		o[n-1].To++
		return o
	}
	return append(o, Run{ordinal, ordinal + 1})
}

// Union is what is in either set.
func (o Ordinals) Union(other Ordinals) Ordinals {
	all := slices.Concat(o, other)
	slices.SortFunc(all, func(a, b Run) int { return int(int64(a.From) - int64(b.From)) })
	var out Ordinals
	for _, r := range all {
		if n := len(out); n > 0 && r.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}

// Without is what is in the set and not in the other one.
func (o Ordinals) Without(other Ordinals) Ordinals {
	var out Ordinals
	for _, r := range o {
		for len(other) > 0 && other[0].To <= r.From {
			other = other[1:]
		}
		for _, gone := range other {
			if gone.From >= r.To {
				break
			}
			if gone.From > r.From {
				out = append(out, Run{r.From, gone.From})
			}
			r.From = min(gone.To, r.To)
		}
		if r.From < r.To {
			out = append(out, r)
		}
	}
	return out
}

// Both is what is in both sets.
func (o Ordinals) Both(other Ordinals) Ordinals { return o.Without(o.Without(other)) }

// places are the numbers, from 0, that the members of some have among the members of the set.
func (o Ordinals) places(some Ordinals) Ordinals {
	var out Ordinals
	before := uint32(0)
	for _, r := range o {
		for _, s := range (Ordinals{r}).Both(some) {
			from, to := before+s.From-r.From, before+s.To-r.From
			if n := len(out); n > 0 && out[n-1].To == from {
				out[n-1].To = to
				continue
			}
			out = append(out, Run{from, to})
		}
		before += r.To - r.From
	}
	return out
}

// At are the members of the set that have certain places among its members, counted from 0. Places that it does not have are left out.
func (o Ordinals) At(places Ordinals) Ordinals {
	var out Ordinals
	before := uint32(0)
	for _, r := range o {
		after := before + r.To - r.From
		for _, p := range (Ordinals{{before, after}}).Both(places) {
			out = append(out, Run{r.From + p.From - before, r.From + p.To - before})
		}
		before = after
	}
	return out
}

// String is the set as text, "0-99,101": the form of a message's header and of the ledger.
func (o Ordinals) String() string {
	var b []byte
	for i, r := range o {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(r.From), 10)
		if r.To-r.From > 1 {
			b = append(b, '-')
			b = strconv.AppendUint(b, uint64(r.To-1), 10)
		}
	}
	return string(b)
}

// ParseOrdinals is the inverse of String; fault.Invalid for what String does not write.
func ParseOrdinals(text string) (Ordinals, error) {
	var o Ordinals
	for rest, more := text, text != ""; more; {
		var run string
		run, rest, more = strings.Cut(rest, ",")
		first, last, isRange := strings.Cut(run, "-")
		from, err := strconv.ParseUint(first, 10, 31)
		if err != nil {
			return nil, errOrdinals.New("not a list of ordinals")
		}
		to := from
		if isRange {
			if to, err = strconv.ParseUint(last, 10, 31); err != nil || to <= from {
				return nil, errOrdinals.New("not a list of ordinals")
			}
		}
		if n := len(o); n > 0 && from <= uint64(o[n-1].To) {
			return nil, errOrdinals.New("the ordinals do not ascend")
		}
		o = append(o, Run{uint32(from), uint32(to) + 1})
	}
	return o, nil
}
