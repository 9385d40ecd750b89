package query

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// instances are log records of three instances of two services over some hours, many of them of one instant.
func instances(seed uint64, n int) plog.Logs {
	r := rand.New(rand.NewPCG(seed, 11))
	data := plog.NewLogs()
	var scopes []plog.ScopeLogs
	for i := range 3 {
		rl := data.ResourceLogs().AppendEmpty()
		rl.Resource().Attributes().PutStr("service.name", []string{"cart", "cart", "pay"}[i])
		rl.Resource().Attributes().PutStr("k8s.pod.uid", fmt.Sprint("pod-", i))
		scopes = append(scopes, rl.ScopeLogs().AppendEmpty())
	}
	for i := range n {
		l := scopes[r.IntN(len(scopes))].LogRecords().AppendEmpty()
		at := base().Add(time.Duration(r.IntN(4)-2) * 50 * time.Minute).Add(time.Duration(r.IntN(4)) * time.Nanosecond)
		l.SetTimestamp(pcommon.NewTimestampFromTime(at))
		l.Body().SetStr(fmt.Sprintf("line %d of %d", i, seed))
		if r.IntN(3) > 0 {
			l.SetTraceID(pcommon.TraceID{9, byte(r.IntN(3))})
		}
	}
	return data
}

// orderOfLog sorts log records as a context does: by time, position and ordinal.
func orderOfLog(a, b api.LogRecord) int {
	id := func(l api.LogRecord) (position, ordinal int) {
		p, o, _ := strings.Cut(l.ID, ".")
		position, _ = strconv.Atoi(p)
		ordinal, _ = strconv.Atoi(o)
		return position, ordinal
	}
	ap, ao := id(a)
	bp, bo := id(b)
	return cmp.Or(cmp.Compare(a.TimeUnixNano, b.TimeUnixNano), cmp.Compare(ap, bp), cmp.Compare(ao, bo))
}

func idsOf(list []api.LogRecord) (ids []string) {
	for _, l := range list {
		ids = append(ids, l.ID)
	}
	return ids
}

// What surrounds a record, page by page to both ends, is all that its sender sent, in order and each once.
func TestTheContextOfALogRecordIsWhatItsSenderSentAroundIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for seed := range uint64(3) {
		f.store("default", telemetry.Logs, testbed.LogsPayload(instances(seed, 40)), 7)
	}
	var all api.LogPage
	f.search("logs", searchBody{from: base().Add(-5 * time.Hour), to: base().Add(5 * time.Hour), limit: 1000}, &all)
	require.Len(t, all.Logs, 120)
	slices.SortFunc(all.Logs, orderOfLog)
	same := map[string]func(a, b api.LogRecord) bool{
		"resource": func(a, b api.LogRecord) bool { return a.ResourceIndex == b.ResourceIndex },
		"service":  func(a, b api.LogRecord) bool { return a.ServiceName == b.ServiceName },
		"trace":    func(a, b api.LogRecord) bool { return a.TraceID == b.TraceID },
	}
	ask := func(l api.LogRecord, p url.Values) (c api.LogContext) {
		f.get("/api/logs/"+l.ID+"/context?"+p.Encode(), &c)
		return c
	}
	for i := 0; i < len(all.Logs); i += 13 {
		l := all.Logs[i]
		for by, alike := range same {
			if by == "trace" && l.TraceID == "" {
				p := f.problem(http.StatusBadRequest, http.MethodGet, "/api/logs/"+l.ID+"/context?by=trace", "")
				require.Equal(t, "request.context", p.Code)
				continue
			}
			var want []string
			for _, o := range all.Logs {
				if alike(l, o) {
					want = append(want, o.ID)
				}
			}
			p := url.Values{"by": {by}, "limit": {"4"}}
			if i%2 == 0 {
				p.Set("time", l.TimeUnixNano)
			}
			page := ask(l, p)
			got := idsOf(page.Logs)
			require.Equal(t, l.ID, got[*page.Index])
			require.NotEmpty(t, page.Same)
			for before := page.Before; before.HasMore; {
				p.Set("cursor", before.NextCursor)
				next := ask(l, p)
				require.Nil(t, next.Index)
				require.NotEmpty(t, next.Logs)
				got = append(idsOf(next.Logs), got...)
				before = next.Before
			}
			for after := page.After; after.HasMore; {
				p.Set("cursor", after.NextCursor)
				next := ask(l, p)
				require.NotEmpty(t, next.Logs)
				got = append(got, idsOf(next.Logs)...)
				after = next.After
			}
			require.Equal(t, want, got, "%s of %s", by, l.ID)
		}
	}

	l := all.Logs[60]
	c := ask(l, url.Values{"limit": {"1000"}, "filters": {`[{"field":"body","operator":"contains","value":"of 1"}]`}})
	require.Greater(t, len(c.Logs), 5)
	for i, o := range c.Logs {
		require.True(t, i == *c.Index || strings.HasSuffix(o.Body.String, "of 1"), o.Body.String)
	}
	cursor := ask(l, url.Values{"limit": {"1"}}).Before.NextCursor
	for path, code := range map[string]string{
		l.ID + "/context?by=day":                      "request.context",
		l.ID + "/context?time=noon":                   "time_range.invalid",
		l.ID + "/context?limit=0":                     "pagination.limit",
		"4711/context":                                "request.event_id",
		l.ID + "/context?by=service&cursor=" + cursor: "cursor.mismatch",
		l.ID + "/context?cursor=abc":                  "cursor.malformed",
	} {
		require.Equal(t, code, f.problem(http.StatusBadRequest, http.MethodGet, "/api/logs/"+path, "").Code, path)
	}
	require.Equal(t, "not_found", f.problem(http.StatusNotFound, http.MethodGet, "/api/logs/99.1/context", "").Code)
	require.Equal(t, "not_found", f.problem(http.StatusNotFound, http.MethodGet, "/api/logs/"+l.ID+"/context?time=1", "").Code)
}
