package service

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersionNamesReleaseAndRevision(t *testing.T) {
	t.Parallel()
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "1a2b3c4d5e6f"}
	for name, tc := range map[string]struct {
		release  string
		settings []debug.BuildSetting
		want     string
	}{
		"nobody gave a version":    {"dev", nil, "dev"},
		"from a clean tree":        {"0.2.0", []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "false"}}, "0.2.0+1a2b3c4"},
		"from a changed tree":      {"dev", []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "true"}}, "dev+1a2b3c4.dirty"},
		"changed, of no revision":  {"dev", []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}}, "dev"},
		"the build names itself":   {"0.2.0+ci.7", []debug.BuildSetting{revision}, "0.2.0+ci.7"},
		"a revision of no meaning": {"0.2.0", []debug.BuildSetting{{Key: "vcs.revision", Value: "1a"}}, "0.2.0"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, version(tc.release, tc.settings)) })
	}
}
