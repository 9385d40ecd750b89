package schema

import (
	"testing"
)

func TestEverySignalHasItsTables(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, signal := range []string{"traces", "logs", "metrics"} {
		of := TablesOf(signal)
		for _, table := range []string{of.Segment, of.Group, of.Fresh, of.Body, of.Fact} {
			if table == "" || seen[table] {
				t.Errorf("%s has the table %q", signal, table)
			}
			seen[table] = true
		}
	}
	if TablesOf("unknown") != (Tables{}) {
		t.Error("an unknown signal has tables")
	}
}
