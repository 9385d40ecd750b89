package e2e

import (
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// allInOne is the role of a process that has all of them.
const allInOne = "all-in-one"

// TestFireAllInOne kills a whole ollyScale under load and starts it again at once, again and again: while it works, and while it starts. Its PostgreSQL outlives it
// as an orphan each time.
func TestFireAllInOne(t *testing.T) {
	faults := chosen(t, []failure{
		{name: "all-in-one killed, started at once", hold: 5 * time.Second, begin: func(f *fire) {
			f.hold(time.Duration(rand.IntN(3000)) * time.Millisecond) // at any point of its work
			f.whole.kill()
			f.whole.run()
		}},
		{name: "all-in-one killed while it starts", hold: 5 * time.Second, begin: func(f *fire) {
			for range 5 {
				f.whole.kill()
				f.whole.run()
				f.hold(time.Duration(50+rand.IntN(1500)) * time.Millisecond)
			}
		}},
		{name: "all-in-one killed 20 times", begin: func(f *fire) {
			for n := range 20 {
				f.whole.kill()
				f.whole.run()
				waitFor(f.t, ready, "start "+strconv.Itoa(n+1), func() bool { return health(f.t, f.api) == http.StatusOK })
				f.hold(time.Duration(rand.IntN(1500)) * time.Millisecond) // it works
			}
		}},
		{name: "all-in-one stopped and started", hold: 3 * time.Second, begin: func(f *fire) {
			f.whole.stop()
			f.whole.run()
		}},
	})
	if len(faults) == 0 {
		return
	}
	f := unlit(t)
	f.oneProcess()
	f.ready(f.api)
	f.watched = []watched{{allInOne, f.api}}
	f.kindle()
	f.burn(faults, minutes(t)/10)
}

// oneProcess starts an all-in-one.
func (f *fire) oneProcess() {
	t := f.t
	t.Helper()
	s := &stack{t: t, dir: newDir(t), pgPort: testbed.Port(t)}
	f.stack = s
	dir, otlp, api := filepath.Join(s.dir, "data"), address(testbed.Port(t)), address(testbed.Port(t))
	s.grpc, s.http, s.api = address(testbed.Port(t)), "http://"+otlp, "http://"+api
	f.whole = s.start("ollyscale", binary(t, "ollyscale"), []string{
		"OLLY_DATA_DIR=" + dir, "OLLY_POSTGRES_BIN=" + testbed.PostgresBin(t), "OLLY_POSTGRES_PORT=" + strconv.Itoa(s.pgPort), "OLLY_OPS_ADDRESS=" + address(testbed.Port(t)),
		"OLLY_INGEST_GRPC_ADDRESS=" + s.grpc, "OLLY_INGEST_HTTP_ADDRESS=" + otlp, "OLLY_QUERY_HTTP_ADDRESS=" + api,
		"OLLY_WRITER_FLUSH_POLICY_REFRESH=0s", "OLLY_JANITOR_INTERVAL=1s", "OLLY_JANITOR_MERGE_MINUTE_GRACE=1s",
	}, "up")
	s.url = func() string {
		password, err := server.ReadPassword(filepath.Join(dir, "postgres.pgpass"))
		require.NoError(t, err)
		return server.LocalURL(s.pgPort, "ollyscale", password)
	}
	s.ready(s.http)
	s.keepRows()
}
