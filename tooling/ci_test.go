// Package tooling tests the scripts of .ci that decide whether something passes.
package tooling

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run runs a script by its bash and tells what it said.
func run(t *testing.T, script string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), script, args...).CombinedOutput()
	return string(out), err
}

// TestSubjectsAreHeldAgainstTheirForm: the message may go on for long after its subject, as with `git commit --verbose`, which puts the whole
// diff there.
func TestSubjectsAreHeldAgainstTheirForm(t *testing.T) {
	t.Parallel()
	const good = "writer: settle a batch that cannot be decoded apart from its neighbours"
	for message, passes := range map[string]bool{
		good: true,
		"# what git says\n" + good + "\n\nWhy.\n":                            true,
		"libs/bus, writer: keep both":                                        true,
		"Revert \"" + good + "\"":                                            true,
		good + "\n\n" + strings.Repeat("+ a line of a large diff\n", 20_000): true,
		good + ".":              false,
		"Settle a batch":        false,
		"writer: Settle it all": false,
		"\n" + good:             false,
	} {
		path := filepath.Join(t.TempDir(), "message")
		require.NoError(t, os.WriteFile(path, []byte(message), 0o600))
		out, err := run(t, "../.ci/hooks/commit-msg", path)
		require.Equal(t, passes, err == nil, "%.80q: %v %s", message, err, out)
	}
}

// TestDeadFunctionsAreFound runs .ci/deadcode over a tree in which the search itself is stood in for.
func TestDeadFunctionsAreFound(t *testing.T) {
	t.Parallel()
	const found = `printf 'github.com/ollyscale/ollyscale/libs/thing.Unused\tthing.go:1\n'`
	for name, tc := range map[string]struct {
		search, allow, says string
	}{
		"nothing dead":                 {"", "", ""},
		"dead, and nothing is allowed": {found, "", "dead: libs/thing.Unused"},
		"dead, and another is allowed": {found, "libs/thing.Other # a test\n", "dead: libs/thing.Unused"},
		"dead and allowed":             {found, "libs/thing.Unused # the change that comes\n", ""},
		"allowed without a reader":     {found, "libs/thing.Unused\n", "says after a # who will read it"},
		"allowed and not dead":         {"", "libs/thing.Unused # the change that comes\n", "not dead: libs/thing.Unused"},
		"binaries cannot be searched":  {`[ "$1" = -test ] || { echo cannot load; exit 1; } >&2`, "", "cannot load"},
		"tests cannot be searched":     {`[ "$1" != -test ] || { echo cannot load; exit 1; } >&2`, "", "cannot load"},
		"only the test bed is dead":    {`[ "$1" = -test ] || printf 'github.com/ollyscale/ollyscale/libs/testbed.Sample\tx.go:1\n'`, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			script, err := os.ReadFile("../.ci/deadcode")
			require.NoError(t, err)
			search := "#!/bin/sh\n" + tc.search + "\n"
			for file, body := range map[string]string{
				".ci/deadcode": string(script), ".ci/deadcode.allow": tc.allow, ".tools/bin/deadcode": search, "go.work": "use (\n\t./libs\n)\n",
			} {
				path := filepath.Join(dir, file)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, []byte(body), 0o700))
			}
			out, err := run(t, filepath.Join(dir, ".ci/deadcode"))
			require.Equal(t, tc.says == "", err == nil, "%v %s", err, out)
			require.Contains(t, out, tc.says)
		})
	}
}

// TestLayers runs .ci/layered over a module of two packages, of which b imports a.
func TestLayers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ layers, more, says string }{
		"as it is":                  {"a:\nb: a\n", "", ""},
		"an import too many":        {"a:\nb:\n", "", "m/b may not import github.com/ollyscale/ollyscale/m/a"},
		"a leave that nobody takes": {"a:\nc: a\nb: a\n", "package c", "m/c may import github.com/ollyscale/ollyscale/m/a, and does not"},
		"no line":                   {"a:\nb: a\n", "package c", "m/c has no line"},
		"no package":                {"a:\nb: a\nc:\n", "", "there is no github.com/ollyscale/ollyscale/m/c"},
		"both ways":                 {"b: a\na:\n", "", "m/b names a, which does not stand above it"},
		"code that cannot be read":  {"a:\nb: a\nc:\n", "package", "expected 'IDENT'"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			script, err := os.ReadFile("../.ci/layered")
			require.NoError(t, err)
			files := map[string]string{
				".ci/layered": string(script), ".ci/layers": "[m]\n" + tc.layers, "go.mod": "module github.com/ollyscale/ollyscale\ngo 1.26\n",
				"m/a/a.go": "package a",
				"m/b/b.go": "package b\nimport _ \"github.com/ollyscale/ollyscale/m/a\"",
			}
			if tc.more != "" {
				files["m/c/c.go"] = tc.more
			}
			for file, body := range files {
				path := filepath.Join(dir, file)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, []byte(body), 0o700))
			}
			out, err := run(t, filepath.Join(dir, ".ci/layered"))
			require.Equal(t, tc.says == "", err == nil, "%v %s", err, out)
			require.Contains(t, out, tc.says)
		})
	}
}
