package schema

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestVersionIsTheLastFilesVersion: the directory is all that says it. Every version is the time at which its file was made, of 14 digits, so that
// the order of names is the order of versions.
func TestVersionIsTheLastFilesVersion(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(Migrations, Dir+"/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no migrations:", err)
	}
	name := regexp.MustCompile(`^` + Dir + `/(\d{14})_[a-z0-9_]+\.sql$`)
	var versions []string
	for _, file := range files {
		m := name.FindStringSubmatch(file)
		if m == nil {
			t.Fatalf("%s is not named <14 digits>_<name>.sql", file)
		}
		versions = append(versions, m[1])
	}
	if !slices.IsSorted(versions) || len(slices.Compact(slices.Clone(versions))) != len(versions) {
		t.Errorf("two files have one version: %s", strings.Join(versions, ", "))
	}
	if got := Version(); got != slices.Max(versions) {
		t.Errorf("Version is %s, the last file's %s", got, slices.Max(versions))
	}
}

func BenchmarkVersion(b *testing.B) {
	for b.Loop() {
		Version()
	}
}
