package janitor

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestStatements pins the text of every statement: a change of it is seen in review.
func TestStatements(t *testing.T) {
	t.Parallel()
	s, err := newStatements()
	require.NoError(t, err)
	testbed.Golden(t, "testdata/statements.sql", testbed.Statements(s))
}
