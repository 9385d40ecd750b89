package allinone

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// checkMetrics holds what is served against docs/metrics.md: no metric is missing there, none has a label that is not told.
func checkMetrics(t *testing.T, c Config) {
	t.Helper()
	page, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	told := map[string][]string{} // labels by name in Prometheus
	values := regexp.MustCompile(`\([^)]*\)`)
	for _, row := range regexp.MustCompile("(?m)^\\| `[^`]+` \\| `([^`]+)` \\| [^|]* \\| [^|]* \\| ([^|]*) \\|").FindAllStringSubmatch(string(page), -1) {
		told[row[1]] = nil
		for label := range strings.SplitSeq(values.ReplaceAllString(row[2], ""), ",") {
			told[row[1]] = append(told[row[1]], strings.ReplaceAll(strings.TrimSpace(label), ".", "_"))
		}
	}
	client := &http.Client{Timeout: testbed.Patience, Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.Query.HTTP.Address+"/metrics", http.NoBody)
	require.NoError(t, err)
	answer, err := client.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)

	label := regexp.MustCompile(`(?:^|,)([a-z_]+)="`)
	seen := map[string]bool{}
	for _, sample := range regexp.MustCompile(`(?m)^((?:olly|http)_[a-z_]+)\{([^}]*)\}`).FindAllStringSubmatch(string(text), -1) {
		name := sample[1]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, suffix)
		}
		require.Contains(t, told, name, "docs/metrics.md does not tell of it")
		seen[name] = true
		for _, l := range label.FindAllStringSubmatch(sample[2], -1) {
			if l[1] != "le" && !strings.HasPrefix(l[1], "otel_scope_") {
				require.Contains(t, told[name], l[1], "docs/metrics.md does not tell of label %s of %s", l[1], name)
			}
		}
	}
	for _, name := range []string{"olly_ingest_items_total", "olly_bus_published_total", "olly_writer_lag_seconds", "olly_writer_held_bytes", "http_server_request_duration_seconds"} {
		require.Contains(t, seen, name)
	}
}
