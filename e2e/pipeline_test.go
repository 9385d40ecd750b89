package e2e

import (
	"cmp"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/e2e/load"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestPartsAndAllInOneGiveTheSameAnswers sends one plan to five processes and to the one process that holds the same five roles.
func TestPartsAndAllInOneGiveTheSameAnswers(t *testing.T) {
	parts := newStack(t)
	parts.janitor()
	for range 3 {
		_, writerHealth := parts.writer()
		parts.ready(writerHealth)
	}
	one := newAllInOne(t, parts)

	plan := newPlan(t)
	parts.send(t.Context(), plan, load.Target{Again: 0.1}).wait()
	one.send(t.Context(), plan, load.Target{Again: 0.1}).wait()
	parts.requireExactly(plan, 5*time.Minute)
	for _, signal := range load.Signals() {
		tally, err := load.API{URL: one.api}.Tally(t.Context(), plan, signal)
		require.NoError(t, err)
		require.NoError(t, tally.Err(), "%s of all-in-one", signal)
	}

	end := plan.End()
	if minute := time.Now().Truncate(time.Minute); end.After(minute) {
		end = minute // rates are over the time until now, which goes on between two questions, and a map is of whole minutes
	}
	period := url.Values{
		"start_time": {strconv.FormatInt(plan.Start.UnixNano(), 10)},
		"end_time":   {strconv.FormatInt(end.UnixNano(), 10)},
	}.Encode()
	for _, path := range []string{
		"/api/services?" + period,
		"/api/services/load-3/operations?" + period,
		"/api/service-map?" + period,
		"/api/metrics?" + period,
		"/api/metrics/load.histogram?" + period,
		"/api/traces/search?limit=50&" + period,
		"/api/logs/search?limit=50&" + period,
		"/api/traces/" + hex.EncodeToString(plan.TraceID(plan.Items/2)),
		"/api/traces/" + hex.EncodeToString(plan.TraceID(plan.Items/2)) + "/logs",
	} {
		var five, single any
		require.NoError(t, get(t.Context(), parts.api+path, &five), "five processes")
		require.NoError(t, get(t.Context(), one.api+path, &single), "all-in-one")
		require.Equal(t, lasting(named(t, five)), lasting(named(t, single)), path)
	}
}

// named puts resources and scopes in the place of their numbers, and series in an order of their contents: both come in the order in which points are found, and of points
// of one instant that is the order in which they arrived.
func named(t *testing.T, answer any) any {
	t.Helper()
	whole, is := answer.(map[string]any)
	if !is {
		return answer
	}
	var put func(v any) any
	put = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				list, numbered := whole[map[string]string{"resource_index": "resources", "scope_index": "scopes"}[key]].([]any)
				if numbered {
					number, err := strconv.Atoi(fmt.Sprint(value))
					require.NoError(t, err)
					v[key] = list[number]
					continue
				}
				v[key] = put(value)
			}
		case []any:
			for i := range v {
				v[i] = put(v[i])
			}
		}
		return v
	}
	for key, value := range whole {
		if key != "resources" && key != "scopes" {
			whole[key] = put(value)
		}
	}
	delete(whole, "resources")
	delete(whole, "scopes")
	if series, is := whole["series"].([]any); is {
		slices.SortFunc(series, func(a, b any) int { return cmp.Compare(inJSON(t, a), inJSON(t, b)) })
	}
	return whole
}

func inJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(lasting(v))
	require.NoError(t, err)
	return string(text)
}

// lasting removes what two installations may differ in: measurements, how far each is, and ids that name a place in storage.
func lasting(answer any) any {
	switch v := answer.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, value := range v {
			switch key {
			case "stats", "basis", "completeness", "next_cursor", "id": // the basis is what the janitor has counted when the question comes
			default:
				kept[key] = lasting(value)
			}
		}
		return kept
	case []any:
		kept := make([]any, len(v))
		for i, value := range v {
			kept[i] = lasting(value)
		}
		return kept
	}
	return answer
}

// newAllInOne starts the all-in-one program with a data directory of its own.
func newAllInOne(t *testing.T, beside *stack) *stack {
	t.Helper()
	s := &stack{t: t, dir: beside.dir}
	grpcPort, httpPort, queryPort := testbed.Port(s.t), testbed.Port(s.t), testbed.Port(s.t)
	s.grpc, s.http, s.api = address(grpcPort), "http://"+address(httpPort), "http://"+address(queryPort)
	s.start("ollyscale", binary(t, "ollyscale"), []string{"OLLY_POSTGRES_BIN=" + testbed.PostgresBin(t)},
		"up", "--data-dir", filepath.Join(s.dir, "all-in-one"),
		"--ingest-grpc-address", s.grpc, "--ingest-http-address", address(httpPort), "--query-http-address", address(queryPort), "--postgres-port", strconv.Itoa(testbed.Port(s.t)))
	s.ready(s.http)
	s.ready(s.api)
	return s
}
