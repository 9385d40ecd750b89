package query

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// recordedHead begins the end of docs/api.yaml: what operations answered to their examples, written by TestTheExamplesAreTrue.
const recordedHead = "  # Answers that services/query gave over what the examples of ingest send; `OLLY_UPDATE_GOLDEN=1 go test ./services/query -run TheExamplesAreTrue` records them.\n  examples:\n"

// exampleOf is the request or answer that stands as an example, as JSON, and the name under which components have it; empty without one.
func exampleOf(t testing.TB, media *openapi3.MediaType) (text, name string) {
	t.Helper()
	value := media.Example
	for _, key := range slices.Sorted(maps.Keys(media.Examples)) {
		value, name = media.Examples[key].Value.Value, strings.TrimPrefix(media.Examples[key].Ref, "#/components/examples/")
	}
	if value == nil {
		return "", ""
	}
	return string(must(json.Marshal(value))), name
}

// widened is a request for everything that a tenant has, made of one for some of it: what is another tenant's would be seen.
func widened(t testing.TB, request string) string {
	t.Helper()
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte(request), &members))
	delete(members, "filters")
	delete(members, "pagination")
	return string(must(json.Marshal(members)))
}

// TestEveryOperationHasExamples: of what it is sent and of what it answers, where that is JSON, and as their schemas say.
func TestEveryOperationHasExamples(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(testbed.Root(t), "docs", "api.yaml"))
	require.NoError(t, err)
	require.NoError(t, doc.Validate(testbed.Context(t)))
	named := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody != nil {
				text, _ := exampleOf(t, op.RequestBody.Value.Content["application/json"])
				require.NotEmpty(t, text, "%s %s (%s) has no example of a request", method, path, op.OperationID)
			}
			for status, answer := range op.Responses.Map() {
				if media := answer.Value.Content["application/json"]; media != nil && status < "3" {
					text, name := exampleOf(t, media)
					require.NotEmpty(t, text, "%s %s (%s) has no example of its answer %s", method, path, op.OperationID, status)
					named[name] = true
				}
			}
		}
	}
	for name := range doc.Components.Examples {
		require.True(t, named[name], "components/examples/%s is of no operation", name)
	}
}

// TestTheExamplesAreTrue sends each example of a request to the service, whose data are what the examples of ingest send. It is taken, and the answer is the
// example of an answer, but that of lists the first two stand there, and for what differs from run to run something that does not.
func TestTheExamplesAreTrue(t *testing.T) {
	t.Parallel()
	f := newFixture(t, demandKeys)
	require.NoError(t, f.svc.bus.EnsureStreams(testbed.Context(t)))
	doc, err := openapi3.NewLoader().LoadFromFile(filepath.Join(testbed.Root(t), "docs", "api.yaml"))
	require.NoError(t, err)
	sent := map[telemetry.Signal][]byte{}
	examples := doc.Components.RequestBodies["Send"].Value.Content["application/json"].Examples
	for _, signal := range telemetry.Signals() {
		sent[signal] = must(json.Marshal(examples[signal.String()].Value.Value))
	}
	spans := testbed.TracesPayload(must((&ptrace.JSONUnmarshaler{}).UnmarshalTraces(sent[telemetry.Traces])))
	f.store("default", telemetry.Traces, spans, 100)
	f.store("default", telemetry.Metrics, testbed.MetricsPayload(must((&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(sent[telemetry.Metrics]))), 100)
	f.store("default", telemetry.Logs, testbed.LogsPayload(must((&plog.JSONUnmarshaler{}).UnmarshalLogs(sent[telemetry.Logs]))), 100)
	f.used("default", "2026-11-23", 0, 3)
	f.bury("default", telemetry.Traces, spans, "postgres.data")
	f.keep(testbed.Context(t), "default", keptID)
	for _, signal := range telemetry.Signals() {
		f.looked(signal, 0)
	}
	key, id := f.newKey("default", "query", "edit", "admin")

	// Those that only tell, before those that change something, before those that take something away.
	order := func(o operation) int {
		switch {
		case strings.HasSuffix(o.id, "DeadLetters") && o.method == http.MethodPost:
			return 2
		case o.scope == "edit" && o.method != http.MethodGet, o.id == "createKey", o.id == "setRetention":
			return 1
		}
		return 0
	}
	list := operations(t, "0af7651916cd43dd8448eb211c80319c", id)
	slices.SortFunc(list, func(a, b operation) int { return cmp.Or(order(a)-order(b), cmp.Compare(a.id, b.id)) })
	places := strings.NewReplacer("/api/logs/2.1/", "/api/logs/3.0/", "/api/metrics/cart", "/api/metrics/http.server.requests", "http.method", "http.response.status_code")
	answers := map[string]any{}
	for _, o := range list {
		if o.request == "" && o.answer == "" {
			continue
		}
		if o.id == "replayDeadLetters" { // the other is dropped
			f.bury("default", telemetry.Traces, testbed.TracesPayload(newDice(1).traces(1)), "postgres.data")
		}
		status, body := f.call(o.method, places.Replace(o.path), o.request, "X-Api-Key", key)
		require.Less(t, status, 300, "%s with the example of docs/api.yaml: %s", o.id, body)
		if o.answerName != o.id {
			continue // that of another operation stands for it
		}
		got := told("", parsed(t, bytes.ReplaceAll(body, []byte(id), []byte(exampleID))))
		answers[o.id] = got
		if os.Getenv("OLLY_UPDATE_GOLDEN") != "1" {
			require.JSONEq(t, o.answer, string(must(json.Marshal(got))), "%s does not answer what docs/api.yaml has as its example; %s", o.id, recordedHead)
		}
	}
	require.Greater(t, len(answers), 30)

	// So do those that people log in with, but for the key.
	b := f.browser()
	for _, path := range []string{"/auth/key", "/auth/tenant"} {
		request, _ := exampleOf(t, doc.Paths.Value(path).Post.RequestBody.Value.Content["application/json"])
		reply, body := b.ask(http.MethodPost, path, strings.ReplaceAll(request, exampleKey, key), "Content-Type", "application/json")
		require.Equal(t, http.StatusNoContent, reply.status, "%s with the example of docs/api.yaml: %s", path, body)
	}
	if os.Getenv("OLLY_UPDATE_GOLDEN") == "1" {
		record(t, answers)
	}
}

func parsed(t testing.TB, body []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	require.NoError(t, d.Decode(&v))
	return v
}

// told is an answer as it stands in the contract.
func told(member string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			v[name] = told(name, value)
		}
		return v
	case []any:
		v = v[:min(len(v), 2)]
		for i := range v {
			v[i] = told(member, v[i])
		}
		return v
	}
	same, varies := map[string]any{
		"elapsed_ms": 1.25, "bytes_read": 2048, "bytes": 4096, "created_at": "2026-11-23T11:30:00Z", "updated_at": "2026-11-23T11:30:00Z", "died_at": "2026-11-23T11:30:00Z",
		"id": exampleID, "secret": exampleKey, "Olly-Received": "1795432200000000000", "Nats-Msg-Id": "cd7a874bf0fcf02a719d579bc0161e6c-traces-1-1795432200000000000",
	}[member]
	switch {
	case member == "version" && v == service.Version(): // else it is that of a scope
		return "0.2.0"
	case !varies, v == nil, v == json.Number("0"):
		return v
	case member == "id" && (len(fmt.Sprint(v)) != len(exampleID) || v == keptID): // of telemetry, or one that the test chose
		return v
	}
	return same
}

// exampleID and exampleKey stand in the contract for what is drawn by lot.
const (
	exampleID  = "abcdefghijklmnop"
	exampleKey = "olly_" + exampleID + "_a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2"
)

// record puts answers in the place of those at the end of docs/api.yaml, in the form that `make fmt` gives to it.
func record(t *testing.T, answers map[string]any) {
	t.Helper()
	path := filepath.Join(testbed.Root(t), "docs", "api.yaml")
	page, err := os.ReadFile(path)
	require.NoError(t, err)
	before, _, found := strings.Cut(string(page), recordedHead)
	require.True(t, found, "docs/api.yaml has lost the line that begins the examples")
	var b strings.Builder
	b.WriteString(before + recordedHead)
	for _, id := range slices.Sorted(maps.Keys(answers)) {
		b.WriteString("    " + id + ":\n      value:" + inYAML(answers[id], "        "))
	}
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o644))
}

// inYAML is what follows a member's colon.
func inYAML(v any, indent string) string {
	var b strings.Builder
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return " {}\n"
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(indent + name + ":" + inYAML(v[name], indent+"  "))
		}
		return "\n" + b.String()
	case []any:
		if len(v) == 0 {
			return " []\n"
		}
		for _, item := range v {
			b.WriteString(indent + "- " + strings.TrimLeft(inYAML(item, indent+"  "), " \n"))
		}
		return "\n" + b.String()
	case string:
		if strings.Contains(v, `"`) {
			return " '" + strings.ReplaceAll(v, "'", "''") + "'\n"
		}
	}
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return " " + b.String()
}
