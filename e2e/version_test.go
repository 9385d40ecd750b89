package e2e

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBinariesTellTheirVersion(t *testing.T) {
	var first []string
	for _, name := range []string{"ollyscale", "ingest", "writer", "query", "janitor", "migrator"} {
		out, err := exec.CommandContext(t.Context(), binary(t, name), "--version").Output()
		require.NoError(t, err, name)
		require.Regexp(t, `^`+name+` \S+ \(go1\.\S+ \w+/\w+\)\n$`, string(out))
		version := []string{string(out[len(name):])}
		if first == nil {
			first = version
		}
		require.Equal(t, first, version, "%s is of another build than ollyscale", name)
	}
}
