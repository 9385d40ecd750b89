package filter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRequiredLiterals(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string][]string{
		`timeout after \d+ms`:      {"timeout after ", "ms"},
		`^user (alice|bob) logged`: {" logged", "user "},
		`(?i)error`:                {},
		`a|b`:                      {},
		`x*`:                       {},
		`(connection refused)+`:    {"connection refused"},
		`\w+@example\.com`:         {"@example.com"},
		`(abc){2,3}d?efg`:          {"abc", "efg"},
	} {
		got := []string{}
		for _, l := range requiredLiterals(expression) {
			got = append(got, string(l))
		}
		require.Equal(t, want, got, expression)
	}
}
