package query

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// everywhereKeys are those that everything has: names of fields, paths and keys with dots, and what services are called by.
func everywhereKeys() []string {
	return []string{"a", "user", "user.id", "kind", "service.name", "http.route", "ü"}
}

// everywhere is n items of a signal that have each key in every scope there is, with values of every type: resource, scope, item, event, link, exemplar, body.
func everywhere(signal telemetry.Signal, seed uint64, n int) []byte {
	w := newWild(seed)
	all := func(m pcommon.Map) {
		for _, key := range everywhereKeys() {
			w.value(m.PutEmpty(key), 2)
		}
	}
	td, ld, md := ptrace.NewTraces(), plog.NewLogs(), pmetric.NewMetrics()
	for i := range n {
		at := pcommon.NewTimestampFromTime(base().Add(time.Duration(i) * time.Second))
		switch signal {
		case telemetry.Traces:
			rs := td.ResourceSpans().AppendEmpty()
			all(rs.Resource().Attributes())
			ss := rs.ScopeSpans().AppendEmpty()
			ss.Scope().SetName("scope")
			all(ss.Scope().Attributes())
			s := ss.Spans().AppendEmpty()
			s.SetTraceID(pcommon.TraceID{9, byte(seed), byte(i / 3), 1})
			s.SetSpanID(pcommon.SpanID{9, byte(seed), byte(i), 1})
			s.SetKind(ptrace.SpanKind(i % 6))
			s.SetName("a")
			s.SetStartTimestamp(at)
			s.SetEndTimestamp(at + 7)
			all(s.Attributes())
			e := s.Events().AppendEmpty()
			e.SetName("name")
			all(e.Attributes())
			l := s.Links().AppendEmpty()
			l.SetTraceID(pcommon.TraceID{9})
			l.SetSpanID(pcommon.SpanID{9})
			all(l.Attributes())
		case telemetry.Logs:
			rl := ld.ResourceLogs().AppendEmpty()
			all(rl.Resource().Attributes())
			sl := rl.ScopeLogs().AppendEmpty()
			all(sl.Scope().Attributes())
			r := sl.LogRecords().AppendEmpty()
			r.SetTimestamp(at)
			r.SetTraceID(pcommon.TraceID{9, byte(seed), byte(i / 3), 1})
			r.SetSeverityNumber(plog.SeverityNumber(i % 25))
			all(r.Attributes())
			all(r.Body().SetEmptyMap())
		case telemetry.Metrics:
			rm := md.ResourceMetrics().AppendEmpty()
			all(rm.Resource().Attributes())
			sm := rm.ScopeMetrics().AppendEmpty()
			all(sm.Scope().Attributes())
			m := sm.Metrics().AppendEmpty()
			m.SetName("name")
			p := m.SetEmptyGauge().DataPoints().AppendEmpty()
			p.SetTimestamp(at)
			p.SetIntValue(int64(i))
			all(p.Attributes())
			x := p.Exemplars().AppendEmpty()
			x.SetTimestamp(at)
			x.SetIntValue(1)
			x.SetTraceID(pcommon.TraceID{9, byte(seed), byte(i / 3), 1})
			all(x.FilteredAttributes())
		}
	}
	switch signal {
	case telemetry.Traces:
		return testbed.TracesPayload(td)
	case telemetry.Logs:
		return testbed.LogsPayload(ld)
	case telemetry.Metrics:
	}
	return testbed.MetricsPayload(md)
}

// TestAKeyInEveryScopeIsSound: a segment in which every key is in every scope, with values of every type, is answered from by every operation: lists, facets, groups, what differs, keys and
// their values, labels and lines of metrics, by each key in each scope, alone and under a filter on the same key in another.
func TestAKeyInEveryScopeIsSound(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const each = 40
	for _, signal := range telemetry.Signals() {
		for seed := range uint64(2) { // fresh and settled
			f.store("default", signal, everywhere(signal, seed, each), 15)
		}
	}
	asked := 0
	sound := func(method, path, body string) []byte {
		t.Helper()
		asked++
		status, answer := f.call(method, path, body)
		require.Equal(t, http.StatusOK, status, "%s %s %s: %s", method, path, body, answer)
		return answer
	}
	for _, o := range operations(t, "09000001000000000000000000000000", "none") { // those that read, by what they need
		if status, body := f.call(o.method, o.path, o.body); status == http.StatusInternalServerError {
			require.Fail(t, "a sound segment is called damaged", "%s %s: %s", o.method, o.path, body)
		}
	}
	within := fmt.Sprintf(`"time_range":{"start_time":%d,"end_time":%d}`, base().Add(-time.Hour).UnixNano(), base().Add(time.Hour).UnixNano())
	lists := map[telemetry.Signal]string{telemetry.Traces: "spans", telemetry.Logs: "logs", telemetry.Metrics: "metrics"}
	for _, signal := range telemetry.Signals() {
		for i, key := range everywhereKeys() {
			other := fmt.Sprintf(`[{"field":%q,"operator":"exists"}]`, []string{"attributes.", "resource.", "scope."}[i%3]+everywhereKeys()[(i+1)%len(everywhereKeys())])
			for scope, prefix := range map[string]string{"attributes": "attributes.", "resource": "resource.", "scope": "scope."} {
				field := prefix + key
				for _, condition := range []string{
					`{"field":%q,"operator":"exists"}`, `{"field":%q,"operator":"eq","value":"gold"}`, `{"field":%q,"operator":"gte","value":200}`, `{"field":%q,"operator":"contains","value":"o"}`,
				} {
					sound(http.MethodPost, "/api/"+lists[signal]+"/search", fmt.Sprintf(`{%s,"filters":[%s]}`, within, fmt.Sprintf(condition, field)))
				}
				for _, filters := range []string{`[]`, other} {
					var facets api.FacetList
					require.NoError(t, json.Unmarshal(sound(http.MethodPost, "/api/facets", fmt.Sprintf(`{"signal":%q,%s,"fields":[%q],"filters":%s}`, signal, within, field, filters)), &facets))
					require.EqualValues(t, 2*each, facets.Facets[0].Items, "%s %s under %s", signal, field, filters)
					require.Zero(t, facets.Facets[0].Missing, "all have it: %s", field)
					sound(http.MethodPost, "/api/aggregate", fmt.Sprintf(`{"signal":%q,%s,"measures":[{"measure":"count"},{"measure":"sum","field":"attributes.a"},{"measure":"count_distinct","field":%q}],"group_by":[%q],"filters":%s}`,
						signal, within, field, field, filters))
					q := url.Values{"scope": {scope}, "signal": {signal.String()}, "filters": {filters}}
					var values api.AttributeValues
					switch {
					case signal == telemetry.Metrics && scope == "scope": // is no label
					case signal == telemetry.Metrics: // values of labels are asked for by their metric
						q = url.Values{"scope": {scope}}
						sound(http.MethodGet, "/api/metrics/name/labels/"+url.PathEscape(key)+"/values"+hour()+"&"+q.Encode(), "")
					default:
						require.NoError(t, json.Unmarshal(sound(http.MethodGet, "/api/attributes/"+url.PathEscape(key)+"/values"+hour()+"&"+q.Encode(), ""), &values))
						require.EqualValues(t, 2*each, values.Items)
						sound(http.MethodPost, "/api/compare", fmt.Sprintf(`{"signal":%q,%s,"selected":[{"field":%q,"operator":"exists"}],"filters":%s}`, signal, within, field, filters))
					}
				}
				if signal == telemetry.Metrics {
					sound(http.MethodPost, "/api/metrics/query", fmt.Sprintf(`{"metric":"name",%s,"group_by":[%q],"exemplars":3,"filters":%s}`, within, field, other))
				}
			}
			sound(http.MethodGet, "/api/attributes"+hour()+"&"+url.Values{"signal": {signal.String()}, "prefix": {key[:1]}, "filters": {other}}.Encode(), "")
		}
		for _, field := range f.namesToShow(api.FilterFieldSignals(signal.String())) { // each field of its own, as the API lists them
			if status, answer := f.call(http.MethodPost, "/api/facets", fmt.Sprintf(`{"signal":%q,%s,"fields":[%q]}`, signal, within, field)); status != http.StatusOK {
				require.Equal(t, http.StatusBadRequest, status, "%s: %s", field, answer) // what nothing is counted by
			}
			if signal != telemetry.Metrics {
				q := url.Values{"scope": {"field"}, "signal": {signal.String()}}
				if status, answer := f.call(http.MethodGet, "/api/attributes/"+url.PathEscape(field)+"/values"+hour()+"&"+q.Encode(), ""); status != http.StatusOK {
					require.Equal(t, http.StatusBadRequest, status, "%s: %s", field, answer)
				}
			}
		}
	}
	require.Greater(t, asked, 500)
}
