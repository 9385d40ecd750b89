package schema

import (
	"testing"
	"time"
)

func TestEverySignalHasItsTables(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, signal := range []string{"traces", "logs", "metrics"} {
		of := TablesOf(signal)
		for _, table := range []string{of.Segment, of.Group, of.Fact} {
			if table == "" || seen[table] {
				t.Errorf("%s has the table %q", signal, table)
			}
			seen[table] = true
		}
	}
	if TablesOf("unknown") != (Tables{}) {
		t.Error("an unknown signal has tables")
	}
}

func TestHourBounds(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-11-23T05:17:00.000000001Z": "2026-11-23T05:00:00Z", "2026-11-23T05:00:00Z": "2026-11-23T05:00:00Z",
		"2026-11-23T05:59:59.999999999Z": "2026-11-23T05:00:00Z", "1969-12-31T23:59:59Z": "1969-12-31T23:00:00Z", "1969-12-31T23:00:00Z": "1969-12-31T23:00:00Z",
		"1970-01-01T00:00:00Z": "1970-01-01T00:00:00Z", "2026-11-23T05:40:00+05:45": "2026-11-22T23:00:00Z",
	} {
		when, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			t.Fatal(err)
		}
		from, to := HourBounds(when)
		if got := time.Unix(0, from).UTC().Format(time.RFC3339Nano); got != want || to-from != int64(time.Hour) {
			t.Errorf("%s: from %s, %s long; want from %s", at, got, time.Duration(to-from), want)
		}
	}
}
