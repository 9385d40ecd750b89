package filter

import (
	"strings"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// Structured values. A condition on a list holds if it does for one of its elements, and a key with dots is both itself and a path: the keys of maps, one
// within the other, through lists. So attributes.user.id is the attribute "user.id", and "id" of the map "user".

// maxSteps bounds how many attributes a path is looked for in: what is stored is no deeper.
const maxSteps = otlp.MaxNesting

// place is an attribute's key, and the path to a value within it; "" is the attribute itself.
type place struct{ key, path string }

// placesOf lists where what a key means may lie.
func placesOf(key string) []place {
	list := []place{{key: key}}
	for i := 0; i < len(key) && len(list) <= maxSteps; i++ {
		if key[i] == '.' {
			list = append(list, place{key[:i], key[i+1:]})
		}
	}
	return list
}

// at reports whether there is something at a path within a value, other than the value itself, that passes.
func (t *valueTest) at(v otlp.Value, path string) bool {
	if v.Type != segment.Array && v.Type != segment.Map {
		return false
	}
	for e := v.Elements(); e.Next(); {
		switch {
		case v.Type == segment.Array:
			if t.at(e.Value, path) {
				return true
			}
		case string(e.Key) == path:
			if t.test.Match(segment.Value{Type: e.Value.Type, Num: e.Value.Num, Raw: e.Value.Raw}) {
				return true
			}
		}
		if rest, ok := strings.CutPrefix(path, string(e.Key)); ok && v.Type == segment.Map && strings.HasPrefix(rest, ".") && t.at(e.Value, rest[1:]) {
			return true
		}
	}
	return false
}

// within is the test of what lies at a path within values. No string has anything within it.
func (t *valueTest) within(path string) segment.Test {
	return segment.Test{
		Match: func(v segment.Value) bool { return t.at(v.OTLP(), path) },
		Equal: [][]byte{}, StringsDecided: true,
	}
}

// structured is what a test asks of lists and maps besides: an element of a list that passes, and, of operators that look at text, theirs as it is shown,
// with or without a gap after each colon and comma.
func structured(op *Operator, match func(segment.Value) bool) func(segment.Value) bool {
	var holds func(v segment.Value) bool
	holds = func(v segment.Value) bool {
		if match(v) {
			return true
		}
		if v.Type != segment.Array && v.Type != segment.Map {
			return false
		}
		of := v.OTLP()
		if v.Type == segment.Array {
			for e := of.Elements(); e.Next(); {
				if holds(segment.Value{Type: e.Value.Type, Num: e.Value.Num, Raw: e.Value.Raw}) {
					return true
				}
			}
		}
		if !op.looksAtText {
			return false
		}
		for _, gap := range []string{"", " "} {
			if match(segment.Value{Type: segment.String, Raw: otlp.AppendText(nil, of, gap)}) {
				return true
			}
		}
		return false
	}
	return holds
}
