package allinone

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
)

// What is shown to somebody new works as it stands: where keys are demanded, the demo alone would get a 401.
func TestHintsAreOfTheModeAndOfThisDatabase(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*Config)
		dir    string
		want   []string
	}{
		{func(*Config) {}, "/d", []string{"Try it: ollyscale demo (or"}},
		{func(c *Config) { c.Auth.Mode = auth.ModeKeys }, defaultDataDir(), []string{"keys create --name me --scopes ingest,query\n", "demo --headers x-api-key="}},
		{func(c *Config) { c.Auth.Mode = auth.ModeKeys }, "/d", []string{"keys create --name me --scopes ingest,query --data-dir /d\n"}},
		{func(c *Config) { c.Auth.Mode, c.Postgres.URL = auth.ModeKeys, "postgres://u:hunter2@h/x" }, "/d", []string{"ingest,query --postgres URL\n"}},
	} {
		s := &Service{cfg: DefaultConfig()}
		test.change(&s.cfg)
		text := strings.Join(s.hints(test.dir), "\n")
		for _, want := range test.want {
			require.Contains(t, text, want)
		}
		require.NotContains(t, text, "hunter2")
	}
}
