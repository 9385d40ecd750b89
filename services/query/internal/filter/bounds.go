package filter

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// Bounds says what a segment must have so that one of its items can meet a filter: necessary, never sufficient. The zero value
// of each part rules nothing out.
type Bounds struct {
	Services    []string // one of these, by name; nil: any
	MinDuration int64    // a span of the service at least as long, in nanoseconds; 0: any
	Errors      bool     // a span with status error
	Roots       bool     // a span without a parent
	Probes      []Probe  // all of these
}

// Bloom is one of a segment's two Bloom filters, by the name of its column.
type Bloom string

// The Bloom filters.
const (
	TraceFilter Bloom = "trace_filter"
	TokenFilter Bloom = "token_filter"
)

// Probe is one test of a Bloom filter: at least one of the hashes must be in it.
type Probe struct {
	In     Bloom
	Hashes []uint64
}

// maxAlternatives bounds a probe: a longer list of values prunes little and costs a test each.
const maxAlternatives = 16

// Bounds are those of all parts.
func (f All) Bounds() Bounds {
	var b Bounds
	for _, part := range f {
		b = b.and(part.Bounds())
	}
	return b
}

// Bounds are what all parts have in common. Without any part there is nothing to find, in no service.
func (f Any) Bounds() Bounds {
	var b Bounds
	if len(f) == 0 {
		b.Services = []string{}
	}
	for i, part := range f {
		if i == 0 {
			b = part.Bounds()
			continue
		}
		b = b.or(part.Bounds())
	}
	return b
}

// Bounds of a negation: Bloom filters and maxima say nothing about what is absent.
func (f Not) Bounds() Bounds { return Bounds{} }

func (b Bounds) and(o Bounds) Bounds {
	switch {
	case b.Services == nil:
		b.Services = o.Services
	case o.Services != nil:
		kept := []string{}
		for _, s := range b.Services {
			if slices.Contains(o.Services, s) {
				kept = append(kept, s)
			}
		}
		b.Services = kept
	}
	b.MinDuration = max(b.MinDuration, o.MinDuration)
	b.Errors = b.Errors || o.Errors
	b.Roots = b.Roots || o.Roots
	b.Probes = append(slices.Clip(b.Probes), o.Probes...)
	return b
}

func (b Bounds) or(o Bounds) Bounds {
	if b.Services == nil || o.Services == nil {
		b.Services = nil
	} else {
		b.Services = append(slices.Clip(b.Services), o.Services...)
	}
	b.MinDuration = min(b.MinDuration, o.MinDuration)
	b.Errors = b.Errors && o.Errors
	b.Roots = b.Roots && o.Roots
	b.Probes = orProbes(b.Probes, o.Probes)
	return b
}

// orProbes keeps, for each filter, one probe with the alternatives of both sides, where both have one.
func orProbes(a, b []Probe) []Probe {
	var out []Probe
	for _, column := range []Bloom{TraceFilter, TokenFilter} {
		in := func(p Probe) bool { return p.In == column }
		i, j := slices.IndexFunc(a, in), slices.IndexFunc(b, in)
		if i < 0 || j < 0 {
			continue
		}
		hashes := append(slices.Clip(a[i].Hashes), b[j].Hashes...)
		if len(hashes) <= maxAlternatives {
			out = append(out, Probe{column, hashes})
		}
	}
	return out
}

func alternatives(column Bloom, hashes []uint64) []Probe {
	if len(hashes) == 0 || len(hashes) > maxAlternatives {
		return nil
	}
	return []Probe{{column, hashes}}
}

// tokens probes for the values of an equality under a key.
func tokens(op *Operator, values []Literal, scope, key string) []Probe {
	if !op.equality || len(key) > segment.MaxTokenPath { // what lies deep within a map has no tokens
		return nil
	}
	var hashes []uint64
	for _, l := range values {
		for _, v := range l.numbers() {
			hashes = append(hashes, segment.Token(scope, key, v))
			if v.Type == segment.Double && doubleOf(v) == 0 {
				v.Num ^= 1 << 63 // 0 equals -0
				hashes = append(hashes, segment.Token(scope, key, v))
			}
		}
	}
	return alternatives(TokenFilter, hashes)
}

// words probes for the words that a body must have to contain, or to be, a string, or to have its words. A word at the edge of a part may be part of a longer one
// and says nothing.
func words(op *Operator, values []Literal, t segment.Test) []Probe {
	var part []byte
	switch {
	case op.wholeWords:
		part = values[0].Raw
	case len(values) != 1:
		return nil
	case op.equality:
		if !rollup.IsCut(string(values[0].Raw)) && values[0].Type != segment.Bytes {
			part = values[0].Raw // a string, or the text of a list or map, which is found by its words as well
		}
	case !t.StringsDecided:
		return nil
	case len(t.Contains) == 1:
		part = t.Contains[0]
		first := slices.IndexFunc(part, segment.Separates)
		if first < 0 {
			return nil
		}
		last := len(part)
		for !segment.Separates(part[last-1]) {
			last--
		}
		part = part[first:last]
	}
	var probes []Probe
	segment.Words(part, func(word []byte) bool {
		hash := segment.Token(segment.ScopeWord, "body", segment.Value{Type: segment.String, Raw: word})
		probes = append(probes, Probe{TokenFilter, []uint64{hash}})
		return len(probes) < maxWords
	})
	return probes
}

// maxWords bounds the tests of one part: a few rare words prune as well as all.
const maxWords = 4
