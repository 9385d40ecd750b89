package native

import (
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// listFields says what filters can be about.
func listFields() *api.FieldCatalogue {
	operators := filter.Operators()
	out := &api.FieldCatalogue{}
	for _, o := range operators {
		out.Operators = append(out.Operators, api.FilterOperator{
			Name: api.Operator(o.Name), Symbol: o.Symbol, Label: o.Label, Operand: api.FilterOperatorOperand(o.Operand),
			Negates: api.Operator(o.Negates), Description: o.Description,
		})
	}
	for _, f := range filter.Fields() {
		one := api.FilterField{
			Name: f.Name, Prefix: f.Prefix, Kind: api.FieldKind(f.Kind.String()), Values: f.Values, Unit: f.Unit, Description: f.Description, AliasOf: f.AliasOf,
		}
		for _, signal := range f.Signals {
			one.Signals = append(one.Signals, api.FilterFieldSignals(signal.String()))
		}
		for _, name := range f.Operators(operators) {
			one.Operators = append(one.Operators, api.Operator(name))
		}
		out.Fields = append(out.Fields, one)
	}
	for _, r := range filter.Relations() {
		out.Relations = append(out.Relations, api.FilterRelation{Name: api.Relation(r.Name), Description: r.Description})
	}
	return out
}
