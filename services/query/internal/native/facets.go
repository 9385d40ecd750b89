package native

// What can be counted by: attributes of items, resources and scopes, and fields that are no attributes. Of a segment all of whose items count, the head
// tells most of them, so that no body is read (docs/segment-format.md, section 3).

import (
	"strings"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// facet is something that items have values of.
type facet struct {
	counts  segment.Counts                                            // what to count, where all items of a segment do
	columns func(c *columns.Set)                                      // what to read, where some do
	count   func(r *columns.Reader, within []bool, to *segmentCounts) // within nil: all items count
}

// field is a row of the table of fields to count by.
type field struct {
	name    string
	signals []telemetry.Signal
	facet   facet
}

// fields is the table; their names are those of filters.
func fields() []field {
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
		{"scope.name", both, scopeTextFacet(func(s *segment.Scopes) [][]byte { return s.Names })},
		{"scope.version", both, scopeTextFacet(func(s *segment.Scopes) [][]byte { return s.Versions })},
	}
}

// facetOf finds what a request names.
func facetOf(signal telemetry.Signal, scope api.ListAttributeValuesParamsScope, key string) (*facet, error) {
	var f facet
	switch scope {
	case "", api.ListAttributeValuesParamsScopeAttributes:
		f = attributeFacet(key)
	case api.ListAttributeValuesParamsScopeResource:
		f = resourceFacet(key)
	case api.ListAttributeValuesParamsScopeScope:
		f = scopeFacet(key)
	case api.ListAttributeValuesParamsScopeField:
		var names []string
		for _, row := range fields() {
			for _, s := range row.signals {
				switch {
				case s != signal:
				case row.name == key:
					return &row.facet, nil
				default:
					names = append(names, row.name)
				}
			}
		}
		return nil, errField.Newf("key: %.64q is not a field of %s to count by; these are %s", key, signal, strings.Join(names, ", "))
	default:
		return nil, errScope.Newf("scope: %.64q is not attributes, resource, scope or field", string(scope))
	}
	return &f, nil
}

// ofValues counts the values of a column.
func ofValues(values *segment.Values, within []bool, to *segmentCounts) {
	counts := to.zeros(values.Distinct())
	values.Count(within, counts)
	for i, n := range counts {
		if v, ok := values.Value(i); ok {
			to.add(v, n)
		}
	}
}

func attributeFacet(key string) facet {
	return facet{
		counts:  segment.Counts{Attributes: []string{key}},
		columns: func(c *columns.Set) { c.Attribute(key) },
		count: func(r *columns.Reader, within []bool, to *segmentCounts) {
			ofValues(r.Attribute(key), within, to)
		},
	}
}

func textFacet(column segment.TextColumn) facet {
	return facet{
		counts:  segment.Counts{Texts: []segment.TextColumn{column}},
		columns: func(c *columns.Set) { c.Text(column) },
		count: func(r *columns.Reader, within []bool, to *segmentCounts) {
			ofValues(r.Text(column), within, to)
		},
	}
}

// numberFacet is a column of numbers; zeroIsNone says that 0 stands for one that was not sent.
func numberFacet(column segment.Column, zeroIsNone bool) facet {
	return facet{
		counts:  segment.Counts{Ints: []segment.Column{column}},
		columns: func(c *columns.Set) { c.Int(column) },
		count: func(r *columns.Reader, within []bool, to *segmentCounts) {
			each := func(x, items int64) {
				if x != 0 || !zeroIsNone {
					to.add(segment.Value{Type: segment.Int, Num: uint64(x)}, items) //nolint:gosec // bits
				}
			}
			if within == nil {
				numbers, rows := r.Numbers(column)
				for i, x := range numbers {
					each(x, rows[i])
				}
				return
			}
			of := map[int64]int64{}
			for row, x := range r.Ints(column) {
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
func referring(r *columns.Reader, column segment.Column, within []bool, n int, all func() []int64) []int64 {
	if within == nil {
		return all()
	}
	items := make([]int64, n)
	rows := r.Ints(column)
	if r.Err() != nil {
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
func ofEntries(values *segment.Values, items []int64, to *segmentCounts) {
	if values == nil || len(items) == 0 {
		return
	}
	counts := to.zeros(values.Distinct())
	for e, entry := range values.Rows() {
		counts[values.Code(e)] += items[entry]
	}
	for i, n := range counts {
		if v, ok := values.Value(i); ok {
			to.add(v, n)
		}
	}
}

func ofText(text string, items int64, to *segmentCounts) {
	if text != "" {
		to.add(segment.Value{Type: segment.String, Raw: []byte(text)}, items)
	}
}

// resources counts items by resource.
func resources(each func(r *columns.Reader, items []int64, to *segmentCounts)) facet {
	return facet{
		counts:  segment.Counts{Resources: true},
		columns: func(c *columns.Set) { c.Resource() },
		count: func(r *columns.Reader, within []bool, to *segmentCounts) {
			each(r, referring(r, segment.ColResource, within, r.Resources().N, r.ResourceItems), to)
		},
	}
}

func resourceFacet(key string) facet {
	return resources(func(r *columns.Reader, items []int64, to *segmentCounts) {
		ofEntries(r.Resources().Attribute(key), items, to)
	})
}

func serviceFacet(part func(segment.Service) string) facet {
	return resources(func(r *columns.Reader, items []int64, to *segmentCounts) {
		for i, service := range r.Services() {
			ofText(part(service), items[i], to)
		}
	})
}

// scopes counts items by scope.
func scopes(each func(s *segment.Scopes, items []int64, to *segmentCounts)) facet {
	return facet{
		counts:  segment.Counts{Scopes: true},
		columns: func(c *columns.Set) { c.Scope() },
		count: func(r *columns.Reader, within []bool, to *segmentCounts) {
			each(r.Scopes(), referring(r, segment.ColScope, within, r.Scopes().N, r.ScopeItems), to)
		},
	}
}

func scopeFacet(key string) facet {
	return scopes(func(s *segment.Scopes, items []int64, to *segmentCounts) {
		ofEntries(s.Attribute(key), items, to)
	})
}

func scopeTextFacet(part func(*segment.Scopes) [][]byte) facet {
	return scopes(func(s *segment.Scopes, items []int64, to *segmentCounts) {
		for i, text := range part(s) {
			ofText(string(text), items[i], to)
		}
	})
}
