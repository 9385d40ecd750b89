package testbed

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Golden compares a text with the file at path, below the test's package. With OLLY_UPDATE_GOLDEN=1 it writes the file anew instead, so that the
// change is seen in review.
func Golden(t testing.TB, path, got string) {
	t.Helper()
	if os.Getenv("OLLY_UPDATE_GOLDEN") == "1" {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "run the test with OLLY_UPDATE_GOLDEN=1")
	if string(want) != got {
		t.Fatalf("%s is not what the test has made; if it is to be, run the test with OLLY_UPDATE_GOLDEN=1:\n%s", path, difference(string(want), got))
	}
}

// mostDiffering is how many lines of each side are shown: who wants all of them writes the file anew and asks git.
const mostDiffering = 20

// difference is the lines from the first that differs to the last.
func difference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	line := 1
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
		line++
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	var text strings.Builder
	text.WriteString("from line " + strconv.Itoa(line) + "\n")
	for _, side := range []struct {
		sign  string
		lines []string
	}{{"- ", a}, {"+ ", b}} {
		for i, one := range side.lines {
			if i == mostDiffering {
				text.WriteString(side.sign + "and " + strconv.Itoa(len(side.lines)-i) + " lines more\n")
				break
			}
			text.WriteString(side.sign + one + "\n")
		}
	}
	return text.String()
}
