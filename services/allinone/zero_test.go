package allinone

import (
	"encoding/base64"
	"errors"
	"io"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/services/allinone/demo"
)

// TestZeroMeansZero gives every number, size and duration of every role a 0: it is refused with the reason, or it arrives, and the setting's
// meaning says what 0 stands for. It never becomes the default.
func TestZeroMeansZero(t *testing.T) {
	t.Parallel()
	all := DefaultConfig()
	require.Greater(t, zeroes(t, all), 90)
	require.Equal(t, 5, zeroes(t, demo.DefaultConfig()))
}

func zeroes[C any, P interface {
	*C
	settings.Config
}](t *testing.T, defaults C,
) (tried int) {
	t.Helper()
	zero := regexp.MustCompile(`\b0[sB]?\b`)
	for i, s := range settings.List(P(&defaults)) {
		if !s.Numeric() {
			continue
		}
		tried++
		given := defaults
		_, err := settings.Load("test", P(&given), []string{"--" + s.Flag + "=0"}, io.Discard)
		if err == nil {
			require.True(t, settings.List(P(&given))[i].Value.IsZero(), "%s: 0 became %s", s.Key, settings.List(P(&given))[i])
			require.Regexp(t, zero, s.Doc, "%s takes 0: its meaning says what that stands for", s.Key)
			continue
		}
		refused, ok := errors.AsType[*settings.Error](err)
		require.True(t, ok, "%s: %v", s.Key, err)
		require.Regexp(t, zero, reasonFor(refused, s.Key), "%s: %v", s.Key, err)
	}
	return tried
}

func reasonFor(e *settings.Error, key string) string {
	for _, p := range e.Problems {
		if p.Key == key {
			return p.Text
		}
	}
	return ""
}

// What a role is made with is what was loaded: New changes no setting.
func TestTheRolesGetWhatWasSet(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	c.DataDir = t.TempDir()
	s, err := New(c, service.NewEnv("ollyscale", nil))
	require.NoError(t, err)
	require.NotEmpty(t, s.cfg.Auth.SnapshotKey, "it makes its own")
	c.Auth.SnapshotKey = s.cfg.Auth.SnapshotKey
	c.Ingest.Auth, c.Query.Auth = s.cfg.Auth, s.cfg.Auth
	require.Equal(t, c, s.cfg)
}

// The operations listener answers from the first moment on: what is not there yet is not ready.
func TestNothingIsReadyBeforeItHasStarted(t *testing.T) {
	t.Parallel()
	c, env := DefaultConfig(), service.NewEnv("ollyscale", nil)
	c.DataDir = t.TempDir()
	_, err := New(c, env)
	require.NoError(t, err)
	report := env.Health.Run(t.Context())
	require.Equal(t, service.StatusFail, report.Status)
	for _, check := range report.Checks {
		require.Equal(t, "not started yet", check.Message, check.Name)
	}
}

// One door leads to all roles: who demands keys of a role alone is told so, and does not find it open.
func TestTheDoorOfOneRoleIsRefused(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"ingest", "query"} {
		c := DefaultConfig()
		_, err := settings.Load("ollyscale", &c, []string{"--" + role + "-auth-mode=keys", "--" + role + "-auth-snapshot-key=" + base64.StdEncoding.EncodeToString(make([]byte, 32))}, io.Discard)
		require.ErrorContains(t, err, role+".auth")
		require.ErrorContains(t, err, "set auth, which holds for every role")
	}
}
