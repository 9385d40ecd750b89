package filter

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Counted is how the values of a field are counted without looking at items (package counts).
type Counted struct {
	Key  counts.Key
	Told func(v segment.Value) segment.Value // what a value is told as
	// Within are the attributes in whose maps a value of the field may lie, too: where one of them has lists or maps, the counts of Key are not those of the field.
	Within []counts.Key
}

// Counted is how a field is counted that Column reads; false where only looking at items tells.
func (p *Parser) Counted(signal telemetry.Signal, name string) (c Counted, ok bool) {
	list, err := p.valued(signal, name)
	if err != nil || len(list) != 1 || list[0].values == nil {
		return c, false
	}
	f := list[0]
	c.Told = func(v segment.Value) segment.Value { return v }
	if !f.Prefix {
		if of, is := f.values("").(enumColumn); is {
			c.Told = func(v segment.Value) segment.Value { return of.named(intOf(v)) }
		}
		c.Key = counts.Key{Of: counts.OfField, Name: f.Name}
		_, ok = counts.For(signal, c.Key)
		return c, ok
	}
	of, ok := map[string]counts.Of{"attributes.": counts.OfItem, "resource.": counts.OfResource, "scope.": counts.OfScope}[f.Name]
	c.Key = counts.Key{Of: of, Name: f.key}
	for _, place := range placesOf(f.key)[1:] {
		c.Within = append(c.Within, counts.Key{Of: of, Name: place.key})
	}
	return c, ok && signal != telemetry.Metrics
}

// About tells whether all conditions of a filter, as sent, are on a field, whatever either calls it.
func (p *Parser) About(signal telemetry.Signal, raw json.RawMessage, field string) bool {
	of := p.Alone(signal, raw)
	return of != nil && slices.Equal(of, p.names(signal, field))
}

// Alone are the fields that the one name stands for that all conditions of a filter, as sent, are on; nil where they are on several.
func (p *Parser) Alone(signal telemetry.Signal, raw json.RawMessage) []string {
	var wire struct {
		Field        *string
		And, Or, Not []json.RawMessage
	}
	if json.NewDecoder(bytes.NewReader(raw)).Decode(&wire) != nil {
		return nil
	}
	if wire.Field != nil {
		return p.names(signal, *wire.Field)
	}
	var all []string
	for i, part := range slices.Concat(wire.And, wire.Or, wire.Not) {
		of := p.Alone(signal, part)
		if of == nil || i > 0 && !slices.Equal(of, all) {
			return nil
		}
		all = of
	}
	return all
}

// names are the fields that a name stands for.
func (p *Parser) names(signal telemetry.Signal, name string) []string {
	if f, _, ok := resolve(p.fields, signal, name); ok && f.AliasOf != nil {
		return f.AliasOf
	}
	return []string{name}
}
