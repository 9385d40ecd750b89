package query

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// A record whose severity is only a text is found and counted by what that text stands for, settled or not, and comes back as it was sent.
func TestSeverityByTextAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	derived := map[string]int{"error": 17, "ERROR": 17, "Err": 17, "critical": 18, "FATAL3": 23, "warn": 13, "Warning": 13, "info": 9, "notice": 10, "loud": 0, "": 0}
	for range 2 { // of level 2, and of level 0
		ld := plog.NewLogs()
		records := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords()
		for text := range derived {
			r := records.AppendEmpty()
			r.SetTimestamp(pcommon.NewTimestampFromTime(base().Add(time.Duration(records.Len()) * time.Second)))
			r.SetSeverityText(text)
		}
		sent := records.AppendEmpty() // the number holds where there is one
		sent.SetTimestamp(pcommon.NewTimestampFromTime(base()))
		sent.SetSeverityNumber(plog.SeverityNumberInfo)
		sent.SetSeverityText("ERROR")
		f.store("default", telemetry.Logs, testbed.LogsPayload(ld), 4)
	}
	list := func(filters string) (texts map[string]int) {
		texts = map[string]int{}
		var page api.LogPage
		f.search("logs", searchBody{limit: 100, filters: filters}, &page)
		for _, l := range page.Logs {
			if l.SeverityNumber != 0 {
				require.Equal(t, 9, l.SeverityNumber)
				require.Zero(t, l.SeverityDerived)
				continue
			}
			require.Equal(t, derived[l.SeverityText], l.SeverityDerived, l.SeverityText)
			texts[l.SeverityText]++
		}
		return texts
	}
	require.Len(t, list(""), len(derived))
	require.Equal(t, map[string]int{"error": 2, "ERROR": 2, "Err": 2, "critical": 2, "FATAL3": 2}, list(`[{"field":"severity","operator":"gte","value":"error"}]`))
	require.Equal(t, map[string]int{"warn": 2, "Warning": 2}, list(`[{"field":"severity","operator":"eq","value":"warn"}]`))
	require.Equal(t, map[string]int{"notice": 2}, list(`[{"field":"severity","operator":"eq","value":10}]`))
	require.Equal(t, map[string]int{"loud": 2, "": 2}, list(`[{"field":"severity","operator":"exists","value":false}]`))
	require.Equal(t, map[string]int{"ERROR": 2}, list(`[{"field":"severity_text","operator":"eq","value":"ERROR"}]`))

	counted := map[string]int64{}
	for _, v := range f.countsOf(telemetry.Logs, facetName{"field", "severity"}, base().Add(-time.Hour).UnixNano(), base().Add(time.Hour).UnixNano()).Values {
		counted[string(must(v.Value.MarshalJSON()))] = v.Count
	}
	want := map[string]int64{fmt.Sprintf(`{"intValue":"%d"}`, 9): 2}
	for _, number := range derived {
		if number > 0 {
			want[fmt.Sprintf(`{"intValue":"%d"}`, number)] += 2
		}
	}
	require.Equal(t, want, counted)
}
