package allinone

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/settings"
)

func TestDataDirectoryIsMadeLockedAndFoundAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a", "b")
	d, err := openDataDir(path)
	require.NoError(t, err)
	require.FileExists(t, d.join(markerName))

	_, err = openDataDir(path)
	require.ErrorContains(t, err, "is in use by another ollyScale (process ")
	require.ErrorContains(t, err, path)
	d.close()

	d, err = openDataDir(path)
	require.NoError(t, err)
	d.close()
}

func TestDirectoriesOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	foreign := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(foreign, "thesis.tex"), nil, 0o600))
	_, err := openDataDir(foreign)
	require.ErrorContains(t, err, "is not empty and was not made by ollyScale; choose another directory with --data-dir")
	require.NoFileExists(t, filepath.Join(foreign, "lock"), "nothing is written into it")

	newer := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(newer, markerName), []byte(`{"layout": 9, "release": "7.0.0"}`), 0o600))
	_, err = openDataDir(newer)
	require.ErrorContains(t, err, "made by a newer ollyScale (7.0.0, layout 9; this one knows layout 1)")

	damaged := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(damaged, markerName), []byte(`{`), 0o600))
	_, err = openDataDir(damaged)
	require.ErrorContains(t, err, "damaged")

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = openDataDir(file)
	require.ErrorContains(t, err, "is not a directory")
}

func TestAStartThatEndedBeforeItsMarkerIsNoForeigner(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(path, "lock"), []byte("1\n"), 0o600))
	d, err := openDataDir(path)
	require.NoError(t, err)
	d.close()
}

func TestPostgresIsFoundWhereItWasNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := findPostgres(dir)
	require.ErrorContains(t, err, "holds no PostgreSQL")
	for _, name := range []string{"postgres", "initdb"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o700))
	}
	found, err := findPostgres(dir)
	require.NoError(t, err)
	require.Equal(t, dir, found)
}

func TestClosedDirectoriesAreNamed(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "closed")
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.ErrorContains(t, passable(filepath.Join(dir, "postgres")), "closed to others")
}

func TestAddressesAreMadeReachable(t *testing.T) {
	t.Parallel()
	require.Equal(t, "127.0.0.1:80", reachable(":80"))
	require.Equal(t, "127.0.0.1:80", reachable("0.0.0.0:80"))
	require.Equal(t, "127.0.0.1:80", reachable("[::]:80"))
	require.Equal(t, "[::1]:80", reachable("[::1]:80"))
	require.Equal(t, "host:80", reachable("host:80"))
}

func TestPasswordsAreNotShown(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:hunter2@h/d", "host=h user=u password=hunter2", "postgres://u@h/d?password=hunter2"} {
		require.NotContains(t, redacted(url), "hunter2")
		var shown bytes.Buffer
		require.NoError(t, settings.Print(&shown, &Config{Postgres: PostgresConfig{URL: url}}))
		require.NotContains(t, shown.String(), "hunter2")
	}
}
