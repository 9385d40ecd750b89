package query

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// bounds says what a segment must have so that one of its items can meet a filter: necessary, never sufficient. The zero value
// of each part rules nothing out.
type bounds struct {
	services    []string // one of these, by name; nil: any
	minDuration int64    // a span of the service at least as long; 0: any
	errors      bool     // a span with status error
	roots       bool     // a span without a parent
	probes      []probe  // all of these
}

// filterColumn is one of a segment's two Bloom filters.
type filterColumn string

const (
	traceFilter filterColumn = "trace_filter"
	tokenFilter filterColumn = "token_filter"
)

// probe is one test of a Bloom filter: at least one of the hashes must be in it.
type probe struct {
	filter filterColumn
	hashes []uint64
}

// maxAlternatives bounds a probe: a longer list of values prunes little and costs a test each.
const maxAlternatives = 16

func (f all) bounds() bounds {
	var b bounds
	for _, c := range f {
		b = b.and(c.bounds())
	}
	return b
}

func (f anyOf) bounds() bounds {
	var b bounds
	for i, c := range f {
		if i == 0 {
			b = c.bounds()
			continue
		}
		b = b.or(c.bounds())
	}
	return b
}

// bounds of a negation: Bloom filters and maxima say nothing about what is absent.
func (f not) bounds() bounds { return bounds{} }

func (b bounds) and(o bounds) bounds {
	switch {
	case b.services == nil:
		b.services = o.services
	case o.services != nil:
		kept := []string{}
		for _, s := range b.services {
			if slices.Contains(o.services, s) {
				kept = append(kept, s)
			}
		}
		b.services = kept
	}
	b.minDuration = max(b.minDuration, o.minDuration)
	b.errors = b.errors || o.errors
	b.roots = b.roots || o.roots
	b.probes = append(slices.Clip(b.probes), o.probes...)
	return b
}

func (b bounds) or(o bounds) bounds {
	if b.services == nil || o.services == nil {
		b.services = nil
	} else {
		b.services = append(slices.Clip(b.services), o.services...)
	}
	b.minDuration = min(b.minDuration, o.minDuration)
	b.errors = b.errors && o.errors
	b.roots = b.roots && o.roots
	b.probes = orProbes(b.probes, o.probes)
	return b
}

// orProbes keeps, for each filter, one probe with the alternatives of both sides, where both have one.
func orProbes(a, b []probe) []probe {
	var out []probe
	for _, column := range []filterColumn{traceFilter, tokenFilter} {
		in := func(p probe) bool { return p.filter == column }
		i, j := slices.IndexFunc(a, in), slices.IndexFunc(b, in)
		if i < 0 || j < 0 {
			continue
		}
		hashes := append(slices.Clip(a[i].hashes), b[j].hashes...)
		if len(hashes) <= maxAlternatives {
			out = append(out, probe{column, hashes})
		}
	}
	return out
}

func (c *condition) bounds() bounds {
	var b bounds
	if c.negate || c.op == api.OperatorExists && c.field.class != isRoot {
		return b
	}
	switch c.field.class {
	case serviceName:
		if c.isEquality() && !slices.ContainsFunc(c.values, func(v literal) bool { return !plain(v.String) }) {
			b.services = []string{}
			for _, v := range c.values {
				b.services = append(b.services, v.String) // a literal of another type equals no name, and "" is none
			}
		}
	case intColumn:
		switch {
		case c.field.column == segment.ColDuration && c.op == api.OperatorEq && c.one:
			b.minDuration = max(c.only, 0)
		case c.field.column == segment.ColDuration:
			b.minDuration = max(c.atLeast, 0)
		case c.field.column == segment.ColStatus:
			b.errors = c.op == api.OperatorEq && c.one && c.only == statusError
		}
	case isRoot:
		b.roots = true
	case traceID:
		var hashes []uint64
		for _, id := range c.ids {
			hashes = append(hashes, segment.TraceHash([16]byte(id)))
		}
		b.probes = alternatives(traceFilter, hashes)
	case itemAttribute:
		b.probes = c.tokens(segment.ScopeItem, c.field.key)
	case resourceAttribute:
		b.probes = c.tokens(segment.ScopeResource, c.field.key)
	case scopeAttribute:
		b.probes = c.tokens(segment.ScopeScope, c.field.key)
	case scopeName:
		b.probes = c.tokens(segment.ScopeScope, "name")
	case scopeVersion:
		b.probes = c.tokens(segment.ScopeScope, "version")
	case metricName:
		b.probes = c.tokens(segment.ScopeField, "name")
	case textColumn:
		switch {
		case c.field.token != "":
			b.probes = c.tokens(segment.ScopeField, c.field.token)
		case c.field.text == segment.TextBody:
			b.probes = c.words()
		}
	case serviceNamespace, metricUnit, metricType, spanID, parentID:
	}
	return b
}

// plain reports whether a service's name stands in service_dim as it is: what PostgreSQL does not take is escaped there, and what is very
// long is cut.
func plain(name string) bool {
	return len(name) <= 1000 && utf8.ValidString(name) && !strings.ContainsAny(name, "\x00\uFFFD")
}

// statusError is OTLP's status code for an error.
const statusError = 2

func (c *condition) isEquality() bool { return c.op == api.OperatorEq || c.op == api.OperatorIn }

func alternatives(column filterColumn, hashes []uint64) []probe {
	if len(hashes) == 0 || len(hashes) > maxAlternatives {
		return nil
	}
	return []probe{{column, hashes}}
}

// tokens probes for the values of an equality under a key.
func (c *condition) tokens(scope, key string) []probe {
	if !c.isEquality() {
		return nil
	}
	var hashes []uint64
	for _, l := range c.values {
		switch l.Kind {
		case otlpjson.KindString:
			hashes = append(hashes, segment.Token(scope, key, text(l.String)))
		case otlpjson.KindBool:
			v := segment.Value{Type: segment.Bool}
			if l.Bool {
				v.Num = 1
			}
			hashes = append(hashes, segment.Token(scope, key, v))
		case otlpjson.KindInt, otlpjson.KindDouble:
			for _, v := range l.numbers() {
				hashes = append(hashes, segment.Token(scope, key, v))
				if v.Type == segment.Double && math.Float64frombits(v.Num) == 0 {
					v.Num ^= 1 << 63 // 0 equals -0
					hashes = append(hashes, segment.Token(scope, key, v))
				}
			}
		case otlpjson.KindBytes:
			hashes = append(hashes, segment.Token(scope, key, segment.Value{Type: segment.Bytes, Raw: l.Bytes}))
		case otlpjson.KindEmpty:
			hashes = append(hashes, segment.Token(scope, key, segment.Value{Type: segment.Empty}))
		case otlpjson.KindArray, otlpjson.KindMap:
			return nil
		}
	}
	return alternatives(tokenFilter, hashes)
}

// words probes for the words that a body must have to contain, or to be, the literal. A word at the edge of a substring may be part of
// a longer one and says nothing.
func (c *condition) words() []probe {
	if len(c.values) != 1 || c.values[0].Kind != otlpjson.KindString || c.op != api.OperatorEq && c.op != api.OperatorContains {
		return nil
	}
	part := []byte(c.values[0].String)
	if c.op == api.OperatorContains {
		first := slices.IndexFunc(part, separates)
		if first < 0 {
			return nil
		}
		last := len(part)
		for !separates(part[last-1]) {
			last--
		}
		part = part[first:last]
	}
	var probes []probe
	segment.Words(part, func(word []byte) bool {
		hash := segment.Token(segment.ScopeWord, "body", segment.Value{Type: segment.String, Raw: word})
		probes = append(probes, probe{tokenFilter, []uint64{hash}})
		return len(probes) < maxWords
	})
	return probes
}

// maxWords bounds the tests of one substring: a few rare words prune as well as all.
const maxWords = 4

// separates tells the bytes between words, as segment.Words does.
func separates(c byte) bool {
	return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c >= 0x80)
}
