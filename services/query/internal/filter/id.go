package filter

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// idTest is a list of ids; without any, whatever is not all zeros, which is none.
type idTest struct{ ids [][]byte }

func (t *idTest) holds(id []byte) bool {
	if t.ids == nil {
		return len(bytes.Trim(id, "\x00")) > 0
	}
	return slices.ContainsFunc(t.ids, func(one []byte) bool { return bytes.Equal(id, one) })
}

func (t *idTest) cost() cost { return byID }

// TraceID reads 32 hex digits of either case, or 16: a short id, as older tracers send it (B3, Jaeger), whose first half is zeros on the wire.
func TraceID(text string) (id [16]byte, ok bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 16 && len(b) != 8 {
		return id, false
	}
	copy(id[16-len(b):], b)
	return id, true
}

// readIDs reads ids, each by read.
func readIDs(values []Literal, wants string, read func(text string) (id []byte, ok bool)) (t idTest, err error) {
	for _, l := range values {
		id, ok := read(string(l.Raw))
		if l.Type != segment.String || !ok {
			return t, errors.New("want " + wants)
		}
		t.ids = append(t.ids, id)
	}
	return t, nil
}

// traceTest tests the ids of traces, each once a segment. Headers have a Bloom filter of them.
type traceTest struct{ idTest }

// Traces holds for what is of one of these traces. Up to MostTraces of them are looked for in the filters of days, groups and segments.
func Traces(ids [][16]byte) Filter {
	t := &traceTest{}
	for i := range ids {
		t.ids = append(t.ids, ids[i][:])
	}
	return &condition{matcher: t}
}

// MostTraces is how many traces filters are asked for together.
const MostTraces = maxAlternatives

func traceID() func(string) matching {
	return func(string) matching {
		return func(_ *Operator, values []Literal) (matcher, error) {
			t, err := readIDs(values, "32 hex digits, or 16 of a short id", func(text string) ([]byte, bool) {
				id, ok := TraceID(text)
				return id[:], ok
			})
			if err == nil && slices.ContainsFunc(t.ids, func(id []byte) bool { return [16]byte(id) == [16]byte{} }) {
				err = errors.New("want a trace id that is not all zeros; what has none is found by exists")
			}
			return &traceTest{t}, err
		}
	}
}

func (t *traceTest) Columns(c *columns.Set) { c.TraceIDs = true }

func (t *traceTest) Bounds() Bounds {
	var hashes []uint64
	for _, id := range t.ids {
		hashes = append(hashes, segment.TraceHash([16]byte(id)))
	}
	return Bounds{Probes: alternatives(TraceFilter, hashes)}
}

func (t *traceTest) Match(r *columns.Reader, hits []bool) {
	ids := r.TraceIDs()
	of := make([]bool, len(ids.Distinct))
	for entry := range of {
		of[entry] = t.holds(ids.Distinct[entry][:])
	}
	if slices.Contains(of, true) {
		for i, e := range ids.Rows {
			hits[i] = of[e]
		}
	}
}

// spanTest tests the ids of spans, or of their parents.
type spanTest struct {
	idTest
	want func(c *columns.Set)
	rows func(r *columns.Reader) [][8]byte
}

func spanID() func(string) matching {
	return ofSpans(func(c *columns.Set) { c.SpanIDs = true }, func(r *columns.Reader) [][8]byte { return r.SpanIDs() })
}

func parentID() func(string) matching {
	return ofSpans(func(c *columns.Set) { c.ParentIDs = true }, func(r *columns.Reader) [][8]byte { return r.ParentIDs() })
}

func ofSpans(want func(c *columns.Set), rows func(r *columns.Reader) [][8]byte) func(string) matching {
	return func(string) matching {
		return func(_ *Operator, values []Literal) (matcher, error) {
			t, err := readIDs(values, "16 hex digits", func(text string) ([]byte, bool) {
				id, err := hex.DecodeString(text)
				return id, err == nil && len(id) == 8
			})
			return &spanTest{t, want, rows}, err
		}
	}
}

func (t *spanTest) Columns(c *columns.Set) { t.want(c) }

func (t *spanTest) Bounds() Bounds { return Bounds{} }

func (t *spanTest) Match(r *columns.Reader, hits []bool) {
	for i, id := range t.rows(r) {
		hits[i] = t.holds(id[:])
	}
}
