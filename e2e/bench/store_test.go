package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
)

// storeRun runs the bench with little data beside this build once more, and returns its line.
func storeRun(t *testing.T, o storeOptions) (line map[string]any, out string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	migrations, err := fs.Sub(schema.Migrations, schema.Dir)
	require.NoError(t, err)
	o.bin, o.request = testbed.PostgresBin(t), 200
	o.other = &revision{name: "itself", binary: self, query: []string{self, "query", "--"}, migrations: migrations}
	var stdout, progress bytes.Buffer
	o.questions = storeQuestions
	require.NoError(t, inTempDir("ollystore", false, nil, func(dir string) error {
		return o.inAll(t.Context(), dir, &progress, (*storeBench).measure, func(done []*subject) error { return storeReport(&stdout, o, done) })
	}), progress.String())
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	last, ok := strings.CutPrefix(lines[len(lines)-1], "STORE ")
	require.True(t, ok, lines[len(lines)-1])
	require.NoError(t, json.Unmarshal([]byte(last), &line))
	return line, stdout.String()
}

// Every stage has its figures, of both builds, and every question an answer that both give.
func TestStoreMeasuresEveryStageOfBothBuilds(t *testing.T) {
	line, out := storeRun(t, storeOptions{
		sizes: []int{10_000}, signals: []telemetry.Signal{telemetry.Traces}, runs: 1, flushes: 10, clients: 200 * time.Millisecond, beside: 2000, rest: time.Millisecond,
	})
	for _, label := range []string{"", ofOther} {
		for _, q := range storeQuestions(telemetry.Traces, &filled{}) {
			for _, stage := range []string{stageFresh, stageSettled, stageBacklog, stageCaught} {
				require.Contains(t, line, "traces_10000/"+stage+"/"+q.name+label+"_cpu_ms")
				require.NotContains(t, line, "traces_10000/"+stage+"/"+q.name+label+"_trouble")
			}
		}
		for _, name := range []string{"store_wal", "merge_wal", "fresh_database", "settled_database"} {
			require.Positive(t, line["traces_10000/"+name+label], name)
		}
		require.GreaterOrEqual(t, line["traces_10000/settled_over_live"+label], 0.99)
		require.Less(t, line["traces_10000/settled_free"+label], line["traces_10000/settled_database"+label])
		require.Positive(t, line["traces_10000/clients_storing"+label+"_per_second"])
	}
	require.Contains(t, out, "| itself | now | ratio |")
}

// With nothing in memory PostgreSQL reads from the disk what a question needs, and growth is told where there are two sizes.
func TestStoreAsksColdAndTellsGrowth(t *testing.T) {
	line, _ := storeRun(t, storeOptions{sizes: []int{10_000, 20_000}, signals: []telemetry.Signal{telemetry.Metrics}, runs: 1, cold: 1})
	for _, label := range []string{"", ofOther} {
		at := "metrics_20000/cold/chart_24h" + label
		require.Positive(t, line[at+"_ms"])
		require.Positive(t, line[at+"_bytes"])
		if _, counted := os.Stat("/proc/self/io"); counted == nil {
			require.GreaterOrEqual(t, line[at+"_disk"], line[at+"_bytes"], "what was needed came from the disk")
			require.GreaterOrEqual(t, line[at+"_pages"], line[at+"_bytes"], "in pages")
		}
		require.Positive(t, line["metrics_20000/growth/catalogue_24h"+label])
		require.Less(t, line["metrics_20000/settled_database"+label], line["metrics_10000/settled_database"+label], "more items share a catalogue")
	}
}

// What refuses for a while is told of; a question that is wrong ends the bench, unless it is wrong for another build only.
func TestAWrongQuestionIsNoFigure(t *testing.T) {
	t.Parallel()
	wrong, busy := &refusalError{status: http.StatusBadRequest}, &refusalError{status: http.StatusTooManyRequests}
	trouble, err := troubleOf(busy, nil)
	require.NoError(t, err)
	require.Equal(t, "429", trouble)
	_, err = troubleOf(wrong, nil)
	require.ErrorIs(t, err, error(wrong))
	trouble, err = troubleOf(wrong, &revision{})
	require.NoError(t, err)
	require.Equal(t, "400", trouble)
}

// Every question of search has an answer in a store of any size, warm and by eight clients, and the table has its figures.
func TestSearchMeasuresEveryQuestion(t *testing.T) {
	o := searchDefaults()
	o.bin, o.request, o.sizes, o.runs, o.cold, o.crowd = testbed.PostgresBin(t), 200, []int{10_000}, 1, 0, 1
	var stdout, progress bytes.Buffer
	require.NoError(t, inTempDir("ollysearch", false, nil, func(dir string) error {
		return o.inAll(t.Context(), dir, &progress, (*storeBench).measureSearch, func(done []*subject) error { return searchReport(&stdout, o, done) })
	}), progress.String())
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	last, ok := strings.CutPrefix(lines[len(lines)-1], "SEARCH ")
	require.True(t, ok, lines[len(lines)-1])
	var line map[string]any
	require.NoError(t, json.Unmarshal([]byte(last), &line))
	asked := 0
	for _, signal := range o.signals {
		for _, q := range searchQuestions(signal, &filled{}) {
			at := fmt.Sprintf("%s_%d/", signal, o.itemsOf(signal, 10_000))
			for _, stage := range []string{stageSettled, stageCrowd} {
				require.Positive(t, line[at+stage+"/"+q.name+"_ms"], q.name)
				require.NotContains(t, line, at+stage+"/"+q.name+"_trouble")
			}
			asked++
		}
	}
	require.GreaterOrEqual(t, asked, 30)
}
