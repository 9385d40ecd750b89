package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSameFilesGiveSameBytes(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_700_000_000, 0)
	var sums [][]byte
	for range 2 {
		dir := filepath.Join(t.TempDir(), "thing_1.0")
		require.NoError(t, os.MkdirAll(filepath.Join(dir, "sbom"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "z"), []byte("program"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "sbom", "a"), []byte("list"), 0o600))
		require.NoError(t, os.Chtimes(filepath.Join(dir, "z"), time.Now(), time.Now().Add(time.Duration(len(sums))*time.Hour)))
		out := filepath.Join(t.TempDir(), "thing.tar.gz")
		sum, err := run(out, dir, at)
		require.NoError(t, err)
		raw, err := os.ReadFile(out)
		require.NoError(t, err)
		whole := sha256.Sum256(raw)
		require.Equal(t, whole[:], sum, "the sum is that of the file")
		sums = append(sums, sum)
		require.Equal(t, []string{"thing_1.0/sbom/a 644 list", "thing_1.0/z 755 program"}, listing(t, out, at))
	}
	require.Equal(t, sums[0], sums[1])
}

func listing(t *testing.T, path string, at time.Time) []string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	zipped, err := gzip.NewReader(file)
	require.NoError(t, err)
	var lines []string
	for tarred := tar.NewReader(zipped); ; {
		h, err := tarred.Next()
		if errors.Is(err, io.EOF) {
			return lines
		}
		require.NoError(t, err)
		require.True(t, h.ModTime.Equal(at))
		require.Empty(t, h.Uname)
		body, err := io.ReadAll(tarred)
		require.NoError(t, err)
		lines = append(lines, h.Name+map[int64]string{0o644: " 644 ", 0o755: " 755 "}[h.Mode]+string(body))
	}
}
