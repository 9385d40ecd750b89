package query

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// TestFieldsAreWhatFiltersTake asks the API for what it takes, and then takes it at its word: every operator of every field is answered, every
// other refused.
func TestFieldsAreWhatFiltersTake(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.fill(1, 30, 30)
	var all api.FieldCatalogue
	f.get("/api/fields", &all)
	require.NotEmpty(t, all.Fields)
	operands := map[api.FieldKind]string{
		api.FieldKindText: `"a"`, api.FieldKindAttribute: `"a"`, api.FieldKindBody: `"a"`, api.FieldKindDuration: `"1.5s"`,
		api.FieldKindTime: `"2026-11-23T10:15:00Z"`, api.FieldKindBoolean: `true`, api.FieldKindID: `"00f067aa0ba902b7"`,
	}
	lists := map[api.FilterFieldSignals]string{"traces": "spans", "logs": "logs", "metrics": "metrics"}
	for _, field := range all.Fields {
		name, value := field.Name, operands[field.Kind]
		if field.Prefix {
			name += "http.status_code"
		}
		if field.Kind == api.FieldKindEnum {
			value = `"` + field.Values[0] + `"`
		}
		if field.Name == "trace_id" {
			value = `"0af7651916cd43dd8448eb211c80319c"`
		}
		takes := map[api.Operator]bool{}
		for _, o := range field.Operators {
			takes[o] = true
		}
		for _, o := range all.Operators {
			operand := value
			switch o.Operand {
			case api.FilterOperatorOperandList:
				operand = "[" + value + "]"
			case api.FilterOperatorOperandFlag:
				operand = "false"
			case api.FilterOperatorOperandOne:
			}
			for _, signal := range field.Signals {
				status, body := f.call(http.MethodPost, "/api/"+lists[signal]+"/search",
					searchBody{filters: fmt.Sprintf(`[{"field":%q,"operator":%q,"value":%s}]`, name, o.Name, operand)}.json(t))
				require.Equal(t, takes[o.Name], status == http.StatusOK, "%s %s %s of %s: %s", name, o.Name, operand, signal, body)
			}
		}
	}
	relations := map[api.Relation]bool{}
	for _, r := range all.Relations {
		require.NotEmpty(t, r.Description)
		relations[r.Name] = true
		status, body := f.call(http.MethodPost, "/api/spans/search", searchBody{filters: fmt.Sprintf(`[{"relation":%q,"filters":[{"field":"root","operator":"eq","value":true}]}]`, r.Name)}.json(t))
		require.Equal(t, http.StatusOK, status, "%s: %s", r.Name, body)
	}
	require.Len(t, all.Relations, len(relations))
	for _, r := range []api.Relation{api.RelationTrace, api.RelationRoot, api.RelationParent, api.RelationChild, api.RelationAncestor, api.RelationDescendant} {
		require.True(t, relations[r], r)
		delete(relations, r)
	}
	require.Empty(t, relations, "the contract lists them")
	require.Equal(t, "tenant.invalid", f.problem(http.StatusBadRequest, http.MethodGet, "/api/fields", "", "X-Scope-OrgID", "a b").Code)
}
