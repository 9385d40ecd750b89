package engine

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestStatements pins the text of the statements that are the same for every query; TestHeaderQueries pins the others.
func TestStatements(t *testing.T) {
	t.Parallel()
	q, err := newStatements()
	require.NoError(t, err)
	testbed.Golden(t, "testdata/statements.sql", testbed.Statements(q))
}
