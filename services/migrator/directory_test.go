package migrator_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/migrator"
)

// TestANewFileCanBeAppliedAtOnce runs what make migration runs: the file comes last whatever the clock says, atlas.sum has it, and it does
// nothing until somebody writes a statement, after which hash makes it whole again.
func TestANewFileCanBeAppliedAtOnce(t *testing.T) {
	t.Parallel()
	dir := directory(t, "20990101000000_far.sql", "CREATE TABLE far (id int);\n")
	add := func(name string) (string, error) {
		out, err := exec.CommandContext(testbed.Context(t), "../../.ci/migration", name, dir).CombinedOutput()
		return string(out), err
	}
	for _, wrong := range []string{"", "Add", "add-it", "../it", "add it", "9"} {
		out, err := add(wrong)
		require.Error(t, err, wrong)
		require.Contains(t, out, "usage: make migration", wrong)
	}
	out, err := add("add_near")
	require.NoError(t, err, out)
	file := filepath.Join(dir, "20990101000001_add_near.sql")
	require.Contains(t, out, file+" is made, and atlas.sum renewed")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, step := range []string{"expand", "migrate", "contract"} {
		require.Contains(t, string(text), "--   "+step)
	}

	db := testbed.Empty(t)
	cfg := config(db, migrator.Up)
	cfg.Dir = dir
	_, err = run(t, cfg)
	require.NoError(t, err)
	current, err := postgres.SchemaVersion(testbed.Context(t), db.Pool)
	require.NoError(t, err)
	require.Equal(t, "20990101000001", current)

	db = testbed.Empty(t)
	cfg = config(db, migrator.Up)
	cfg.Dir = dir
	require.NoError(t, os.WriteFile(file, slices.Concat(text, []byte("CREATE TABLE near (id int);\n")), 0o600))
	_, err = run(t, cfg)
	require.Equal(t, "migrate.checksum", fault.From(err).Code)
	hash := migrator.DefaultConfig()
	hash.Command, hash.Dir = migrator.Hash, dir
	_, err = run(t, hash)
	require.NoError(t, err)
	_, err = run(t, cfg)
	require.NoError(t, err)
	var near bool
	require.NoError(t, db.Pool.QueryRow(testbed.Context(t), `SELECT to_regclass('near') IS NOT NULL`).Scan(&near))
	require.True(t, near)
}
