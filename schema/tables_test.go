package schema_test

import (
	"testing"

	"github.com/ollyscale/ollyscale/schema"
)

func TestTablesOfEverySignalArePartitioned(t *testing.T) {
	t.Parallel()
	for _, signal := range []string{"traces", "logs", "metrics"} {
		of := schema.TablesOf(signal)
		for _, table := range []string{of.Segment, of.Group, of.Fact} {
			if _, ok := schema.Partitioned()[table]; !ok {
				t.Errorf("%q of %s is no partitioned table", table, signal)
			}
		}
	}
	if schema.TablesOf("unknown") != (schema.Tables{}) {
		t.Error("an unknown signal has tables")
	}
}
