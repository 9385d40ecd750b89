package filter

import (
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// Structured values. A condition on a list holds if it does for one of its elements, and a key with dots is both itself and a path: the keys of maps, one
// within the other, through lists. So attributes.user.id is the attribute "user.id", and "id" of the map "user".

// maxSteps bounds in how many attributes a path is looked for: what is stored is no deeper.
const maxSteps = otlp.MaxNesting

// place is an attribute's key, and the path to a value within it, unless the attribute itself is meant.
type place struct {
	key    string
	within bool
	path   string
}

// placesOf lists where what a key means may lie, the attribute of that key first.
func placesOf(key string) []place {
	list := []place{{key: key}}
	for i := 0; i < len(key) && len(list) <= maxSteps; i++ {
		if key[i] == '.' {
			list = append(list, place{key: key[:i], within: true, path: key[i+1:]})
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
			if t.test.Match(plain(e.Value)) {
				return true
			}
		case len(e.Key) < len(path) && path[len(e.Key)] == '.' && path[:len(e.Key)] == string(e.Key):
			if t.at(e.Value, path[len(e.Key)+1:]) {
				return true
			}
		}
	}
	return false
}

func plain(v otlp.Value) segment.Value { return segment.Value{Type: v.Type, Num: v.Num, Raw: v.Raw} }

// within is the test of what lies at a path within values. No string has anything within it.
func (t *valueTest) within(path string) segment.Test {
	return segment.Test{
		Match: func(v segment.Value) bool { return t.at(v.OTLP(), path) },
		Equal: [][]byte{}, StringsDecided: true,
	}
}

// structured is what a test asks of lists and maps besides: an element of a list that passes, through lists within it, and, of operators that look at text, the text of
// the whole and that of each map that is an element. Lists within lists are no texts of their own: what is looked at stays a few times the value.
func structured(op *Operator, match func(segment.Value) bool) func(segment.Value) bool {
	var elements func(v otlp.Value) bool
	elements = func(v otlp.Value) bool {
		for e := v.Elements(); e.Next(); {
			if match(plain(e.Value)) || e.Value.Type == segment.Array && elements(e.Value) || e.Value.Type == segment.Map && op.looksAtText && shown(e.Value, match) {
				return true
			}
		}
		return false
	}
	return func(v segment.Value) bool {
		return match(v) || v.Type == segment.Array && elements(v.OTLP()) || (v.Type == segment.Array || v.Type == segment.Map) && op.looksAtText && shown(v.OTLP(), match)
	}
}

// shown reports whether the text of a list or map passes, with or without a gap after each colon and comma.
func shown(v otlp.Value, match func(segment.Value) bool) bool {
	line := make([]byte, 0, 2*len(v.Raw))
	for _, gap := range []string{"", " "} {
		line = otlp.AppendText(line[:0], v, gap)
		if match(segment.Value{Type: segment.String, Raw: line}) {
			return true
		}
	}
	return false
}
