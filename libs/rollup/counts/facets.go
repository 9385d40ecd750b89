package counts

// What can be counted by: attributes of items, resources and scopes, and fields that are no attributes. Of a segment all of whose items count, the head
// tells most of them, so that no body is read (docs/segment-format.md, section 3).

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Of is what has the values of a key. Its number is stored.
type Of uint8

// What has values.
const (
	OfItem     Of = 0 // attributes of spans and log records
	OfResource Of = 1 // attributes of their resources
	OfScope    Of = 2 // attributes of their scopes
	OfField    Of = 3 // what is no attribute, by the name that filters have for it
)

// Key names something that items have values of.
type Key struct {
	Of   Of
	Name string
}

// Facet is how the values of a key are counted in a segment.
type Facet struct {
	Key    Key
	Counts segment.Counts // what to read, where all items of a segment count
	Some   segment.Want   // what to read, where some do
	// Count adds what a segment has to a list: of the items that within holds, nil for all. Damage is kept by the view.
	Count func(v *segment.View, within []bool, to *List)
}

// field is a row of the table of fields to count by.
type field struct {
	name    string
	signals []telemetry.Signal
	facet   Facet
}

// table is the table of fields; their names are those of filters.
func table() []field {
	spans, logs := []telemetry.Signal{telemetry.Traces}, []telemetry.Signal{telemetry.Logs}
	both := []telemetry.Signal{telemetry.Traces, telemetry.Logs}
	return []field{
		{"service", both, serviceFacet(func(s segment.Service) string { return s.Name })},
		{"namespace", both, serviceFacet(func(s segment.Service) string { return s.Namespace })},
		{"name", spans, textFacet(segment.TextName)},
		{"kind", spans, numberFacet(segment.ColKind, false)},
		{"status", spans, numberFacet(segment.ColStatus, false)},
		{"status_message", spans, textFacet(segment.TextStatusMessage)},
		{"severity", logs, numberFacet(segment.ColSeverity, true)},
		{"severity_text", logs, textFacet(segment.TextSeverity)},
		{"event_name", logs, textFacet(segment.TextEventName)},
		{"connection", both, textFacet(segment.TextConnection)},
		{"scope.name", both, scopeTextFacet(func(s *segment.Scopes) [][]byte { return s.Names })},
		{"scope.version", both, scopeTextFacet(func(s *segment.Scopes) [][]byte { return s.Versions })},
	}
}

// Fields lists the facets that are no attributes, of spans or log records.
func Fields(signal telemetry.Signal) (out []Facet) {
	for _, row := range table() {
		if slices.Contains(row.signals, signal) {
			row.facet.Key = Key{OfField, row.name}
			out = append(out, row.facet)
		}
	}
	return out
}

// For is the facet of a key; false where it is a field that the signal has not.
func For(signal telemetry.Signal, key Key) (Facet, bool) {
	var f Facet
	switch key.Of {
	case OfItem:
		f = attributeFacet(key.Name)
	case OfResource:
		f = resourceFacet(key.Name)
	case OfScope:
		f = scopeFacet(key.Name)
	case OfField:
		fields := Fields(signal)
		i := slices.IndexFunc(fields, func(f Facet) bool { return f.Key == key })
		if i < 0 {
			return Facet{}, false
		}
		return fields[i], true
	}
	f.Key = key
	return f, true
}

// ofValues counts the values of a column.
func ofValues(values *segment.Values, within []bool, to *List) {
	counts := to.zeros(values.Distinct())
	values.Count(within, counts)
	for i, n := range counts {
		if v, ok := values.Value(i); ok {
			to.Add(v, n)
		}
	}
}

func attributeFacet(key string) Facet {
	return Facet{
		Counts: segment.Counts{Attributes: []string{key}},
		Some:   segment.Want{Attributes: []string{key}},
		Count: func(v *segment.View, within []bool, to *List) {
			ofValues(v.Attribute(key), within, to)
		},
	}
}

func textFacet(column segment.TextColumn) Facet {
	return Facet{
		Counts: segment.Counts{Texts: []segment.TextColumn{column}},
		Some:   segment.Want{Texts: []segment.TextColumn{column}},
		Count: func(v *segment.View, within []bool, to *List) {
			ofValues(v.Text(column), within, to)
		},
	}
}

// numberFacet is a column of numbers; zeroIsNone says that 0 stands for one that was not sent.
func numberFacet(column segment.Column, zeroIsNone bool) Facet {
	return Facet{
		Counts: segment.Counts{Ints: []segment.Column{column}},
		Some:   segment.Want{Ints: []segment.Column{column}},
		Count: func(v *segment.View, within []bool, to *List) {
			each := func(x, items int64) {
				if x != 0 || !zeroIsNone {
					to.Add(segment.Value{Type: segment.Int, Num: uint64(x)}, items) //nolint:gosec // bits
				}
			}
			if within == nil {
				numbers, rows := v.Numbers(column)
				for i, x := range numbers {
					each(x, rows[i])
				}
				return
			}
			of := map[int64]int64{}
			for row, x := range v.Ints(column) {
				if within[row] {
					of[x]++
				}
			}
			for x, items := range of {
				each(x, items)
			}
		},
	}
}

// referring counts how many items refer to each of n entries of a dictionary; all tells it where all items count.
func referring(v *segment.View, column segment.Column, within []bool, n int, all func() []int64) []int64 {
	if within == nil {
		return all()
	}
	items := make([]int64, n)
	rows := v.Ints(column)
	if v.Err() != nil {
		return items
	}
	for row, entry := range rows {
		if within[row] && int(entry) < n {
			items[entry]++
		}
	}
	return items
}

// ofEntries counts the values of an attribute of a dictionary's entries; values is nil where none has it.
func ofEntries(values *segment.Values, items []int64, to *List) {
	if values == nil || len(items) == 0 {
		return
	}
	counts := to.zeros(values.Distinct())
	for e, entry := range values.Rows() {
		counts[values.Code(e)] += items[entry]
	}
	for i, n := range counts {
		if v, ok := values.Value(i); ok {
			to.Add(v, n)
		}
	}
}

func ofText(text string, items int64, to *List) {
	if text != "" {
		to.Add(segment.Value{Type: segment.String, Raw: []byte(text)}, items)
	}
}

// resources counts items by resource.
func resources(each func(v *segment.View, items []int64, to *List)) Facet {
	return Facet{
		Counts: segment.Counts{Resources: true},
		Some:   segment.Want{Ints: []segment.Column{segment.ColResource}},
		Count: func(v *segment.View, within []bool, to *List) {
			each(v, referring(v, segment.ColResource, within, v.Resources().N, v.ResourceItems), to)
		},
	}
}

func resourceFacet(key string) Facet {
	return resources(func(v *segment.View, items []int64, to *List) {
		ofEntries(v.Resources().Attribute(key), items, to)
	})
}

func serviceFacet(part func(segment.Service) string) Facet {
	return resources(func(v *segment.View, items []int64, to *List) {
		for i, service := range v.Services() {
			ofText(part(service), items[i], to)
		}
	})
}

// scopes counts items by scope.
func scopes(each func(s *segment.Scopes, items []int64, to *List)) Facet {
	return Facet{
		Counts: segment.Counts{Scopes: true},
		Some:   segment.Want{Ints: []segment.Column{segment.ColScope}},
		Count: func(v *segment.View, within []bool, to *List) {
			each(v.Scopes(), referring(v, segment.ColScope, within, v.Scopes().N, v.ScopeItems), to)
		},
	}
}

func scopeFacet(key string) Facet {
	return scopes(func(s *segment.Scopes, items []int64, to *List) {
		ofEntries(s.Attribute(key), items, to)
	})
}

func scopeTextFacet(part func(*segment.Scopes) [][]byte) Facet {
	return scopes(func(s *segment.Scopes, items []int64, to *List) {
		for i, text := range part(s) {
			ofText(string(text), items[i], to)
		}
	})
}
