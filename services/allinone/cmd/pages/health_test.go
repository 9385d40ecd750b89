package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each row of the truth table of health names the test that holds it.
func TestEveryRowOfTheTruthTableIsHeldByATest(t *testing.T) {
	t.Parallel()
	const root = "../../../.."
	page, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(page), "\n## Health\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	var tests strings.Builder
	for _, top := range []string{"libs", "services", "e2e"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, top), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() && e.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, "_test.go") {
				return nil
			}
			text, err := os.ReadFile(path)
			tests.Write(text)
			return err
		}))
	}
	rows := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| fault") {
			continue
		}
		rows++
		name := regexp.MustCompile("`(Test\\w+)`").FindStringSubmatch(line)
		require.NotNil(t, name, line)
		require.Contains(t, tests.String(), "func "+name[1]+"(", line)
	}
	require.GreaterOrEqual(t, rows, 9)
}
