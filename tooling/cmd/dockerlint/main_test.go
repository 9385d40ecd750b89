package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func findings(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "Dockerfile")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	var out bytes.Buffer
	n, err := lint(t.Context(), path, &out)
	require.NoError(t, err)
	require.Equal(t, n, bytes.Count(out.Bytes(), []byte("\n")))
	return out.String()
}

func TestFindingsNameFileLineAndRule(t *testing.T) {
	t.Parallel()
	bad := findings(t, "FROM debian:12 AS build\nENV PASSWORD=hunter2\nWORKDIR relative\nFROM scratch\nCMD echo $NOBODY\n")
	require.Contains(t, bad, "Dockerfile:2: SecretsUsedInArgOrEnv: ")
	require.Contains(t, bad, "Dockerfile:3: WorkdirRelativePath: ")
	require.Contains(t, bad, "Dockerfile:5: JSONArgsRecommended: ")
	require.Contains(t, findings(t, "FROM scratch\nRUNN true\n"), "Dockerfile:2: error: dockerfile parse error")
	require.Empty(t, findings(t, "FROM scratch\nCOPY a /a\nENTRYPOINT [\"/a\"]\n"))
}

func TestStageChosenByAnArgumentIsLookedAt(t *testing.T) {
	t.Parallel()
	text := "ARG KIND\nFROM debian:12 AS base\nFROM base AS base-a\nFROM base AS base-b\nFROM base-${KIND} AS last\nWORKDIR %s\n"
	require.Equal(t, map[string]string{"KIND": "a"}, stageArgs(text))
	require.Contains(t, findings(t, "# check=skip=InvalidDefaultArgInFrom\n"+text), "WorkdirRelativePath")
}
