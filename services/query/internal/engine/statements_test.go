package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// TestStatements pins the text of the statements that are the same for every query; TestHeaderQueries pins the others.
func TestStatements(t *testing.T) {
	t.Parallel()
	q, err := newStatements()
	require.NoError(t, err)
	all := testbed.Statements(q)
	for _, of := range []leaf{{slot: 7}, {slot: schema.Settled, day: base().UnixNano()}} {
		all += q.parts(telemetry.Logs, of) + "\n"
	}
	testbed.Golden(t, "testdata/statements.sql", all)
}
