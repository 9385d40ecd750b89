package query

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestStatements pins the text of the statements that are the same for every query; TestHeaderQueries pins the others.
func TestStatements(t *testing.T) {
	t.Parallel()
	q, err := newQueries()
	require.NoError(t, err)
	golden(t, "testdata/statements.sql", testbed.Statements(q))
}
