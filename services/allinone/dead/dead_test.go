package dead

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres/keystore"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/query"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// run is one call of the command line, as main makes it.
func run(t *testing.T, args ...string) (code int, out, complaint string) {
	t.Helper()
	var answer, errs bytes.Buffer
	cfg := DefaultConfig()
	cfg.Output = &answer
	program := service.NewProgram("ollyscale dead", cfg, New, service.WithLog(service.LogConfig{Level: "warn", Format: "text"}))
	code = program(testbed.Context(t), args, &answer, &errs)
	return code, answer.String(), errs.String()
}

// serve runs a query service and gives its URL, and its bus.
func serve(t *testing.T, db *testbed.DB, change func(*query.Config)) (url string, b *bus.Bus) {
	t.Helper()
	cfg := query.DefaultConfig()
	cfg.HTTP.Address, cfg.Postgres, cfg.Bus = testbed.Address(t), db.Config(), testbed.NATS(t)
	change(&cfg)
	b, err := bus.Connect(testbed.Context(t), cfg.Bus, nil, nil)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureStreams(testbed.Context(t)))
	svc, err := query.New(cfg, testbed.Env(t))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(testbed.Context(t))
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		require.NoError(t, <-ended)
	})
	return "http://" + cfg.HTTP.Address, b
}

func bury(t *testing.T, b *bus.Bus, tenant telemetry.Tenant, payload, code string) {
	t.Helper()
	ctx := testbed.Context(t)
	p, err := b.Publisher()
	require.NoError(t, err)
	defer p.Close()
	_, err = p.Publish(ctx, []telemetry.Batch{{
		Request: telemetry.NewRequestID(tenant, telemetry.Logs, []byte(payload)), Tenant: tenant, Signal: telemetry.Logs, Received: time.Now(), Items: 3, Payload: []byte(payload),
	}})
	require.NoError(t, err)
	for _, d := range waiting(t, b) {
		require.NoError(t, d.Settle(ctx, fault.Kind{Class: fault.Invalid, Code: code}.New("no room")))
	}
}

func waiting(t *testing.T, b *bus.Bus) (got []bus.Delivery) {
	t.Helper()
	c, err := b.Consumer(testbed.Context(t), telemetry.Logs)
	require.NoError(t, err)
	defer c.Close()
	testbed.Eventually(t, "a batch waits", func() bool {
		got, err = c.Fetch(testbed.Context(t), 100, 1<<20, 100*time.Millisecond)
		require.NoError(t, err)
		return len(got) > 0
	})
	return got
}

func TestDeadLettersByTheCommandLine(t *testing.T) {
	t.Parallel()
	url, b := serve(t, testbed.Database(t), func(*query.Config) {})
	for _, code := range []string{"test.one", "test.two", "test.one"} {
		bury(t, b, "default", "payload of "+code+time.Now().String(), code)
	}
	bury(t, b, "shop", "payload", "test.one")
	ask := func(args ...string) string {
		t.Helper()
		var code int
		var out, complaint string
		testbed.Eventually(t, "the service answers", func() bool { // it may only be starting
			code, out, complaint = run(t, append(args, "--url", url)...)
			return !strings.Contains(complaint, "does not answer")
		})
		require.Equal(t, service.ExitOK, code, complaint)
		return out
	}
	require.Regexp(t, `1 +20\d\d-.* logs +3 +\d+ +1 +test\.one +.*no room`, ask("list"))
	require.Len(t, strings.Split(ask(), "\n"), 5)
	require.Len(t, strings.Split(ask("list", "--code", "test.two", "--signal", "logs"), "\n"), 3)
	require.Contains(t, ask("show", "--sequence", "2"), `"code": "test.two"`)
	require.Contains(t, ask("replay", "--sequence", "2"), "dead letter 2 is replayed")
	require.Len(t, waiting(t, b), 1)
	require.Contains(t, ask("drop", "--sequence", "1"), "dead letter 1 is dropped")
	require.Contains(t, ask("replay", "--all", "--code", "test.one"), "1 dead letters are replayed")
	require.Len(t, waiting(t, b), 1)
	require.Contains(t, ask("drop", "--all"), "0 dead letters are dropped")
	require.Contains(t, ask("drop", "--all", "--tenant", "shop"), "1 dead letters are dropped")

	code, _, complaint := run(t, "show", "--sequence", "1", "--url", url)
	require.Equal(t, service.ExitFailed, code)
	require.Contains(t, complaint, "there is no dead letter 1 (bus.no_dead_letter)")
	for word, args := range map[string][]string{
		"command": {"bury"}, "sequence": {"show"}, "--all": {"drop"}, "signal": {"list", "--signal", "profiles"}, "choose": {"replay", "--sequence", "1", "--code", "x"},
		"url": {"list", "--url", "here"}, "does not answer": {"list", "--url", "http://" + testbed.Address(t)},
	} {
		code, _, complaint = run(t, args...)
		require.NotEqual(t, service.ExitOK, code, word)
		require.Contains(t, complaint, word)
	}
}

func TestAKeyShowsTheLettersOfItsTenant(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	store, err := keystore.New(db.Pool)
	require.NoError(t, err)
	newKey := func(tenant telemetry.Tenant, scope auth.Scope) string {
		text, _, err := store.Create(testbed.Context(t), keystore.Wish{Tenant: tenant, Name: "test", Scopes: []string{scope.String()}}, time.Now())
		require.NoError(t, err)
		return text
	}
	shop, bank, reads := newKey("shop", auth.Admin), newKey("shop.v2", auth.Admin), newKey("shop", auth.Query)
	url, b := serve(t, db, func(c *query.Config) {
		c.Auth.Mode, c.Auth.SnapshotKey = auth.ModeKeys, base64.StdEncoding.EncodeToString([]byte(strings.Repeat("d", 32)))
	})
	bury(t, b, "shop", "payload", "test.refused")
	testbed.Eventually(t, "keys are known", func() bool {
		code, out, _ := run(t, "list", "--url", url, "--key", shop)
		return code == service.ExitOK && strings.Contains(out, "test.refused")
	})
	code, out, complaint := run(t, "drop", "--all", "--url", url, "--key", bank)
	require.Equal(t, service.ExitOK, code, complaint)
	require.Contains(t, out, "0 dead letters")
	for _, args := range [][]string{{"--key", reads}, {}, {"--key", bank, "--tenant", "shop"}} {
		code, _, complaint = run(t, append([]string{"drop", "--all", "--url", url}, args...)...)
		require.Equal(t, service.ExitFailed, code)
		require.Contains(t, complaint, "auth.")
		require.NotContains(t, complaint, reads[22:])
	}
	_, out, _ = run(t, "drop", "--all", "--url", url, "--key", shop)
	require.Contains(t, out, "1 dead letters")
}
