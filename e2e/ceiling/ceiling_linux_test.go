package ceiling

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestMain is also the attackers' processes, which are started out of this binary.
func TestMain(m *testing.M) {
	if code, ok := Attack(context.Background(), os.Stdin, os.Stdout); ok {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func TestIngestKeepsBelowItsLimitWhileItIsAttacked(t *testing.T) {
	root := testbed.Root(t)
	bin, nats := os.Getenv("OLLY_E2E_BIN"), os.Getenv("OLLY_E2E_NATS_SERVER")
	if bin == "" {
		bin = filepath.Join(root, ".build", "bin")
	}
	if nats == "" {
		nats = filepath.Join(root, ".tools", "bin", "nats-server")
	}
	require.NoError(t, inDir(func(dir string) error {
		results, err := Run(t.Context(), Config{Bin: bin, NATSServer: nats, Postgres: testbed.PostgresBin(t), Dir: dir, Size: Small(), Log: t.Output()})
		var table bytes.Buffer
		Print(&table, results)
		t.Log("\n" + table.String())
		if err != nil {
			return err
		}
		require.Len(t, results, 4)
		return Failed(results)
	}))
}
