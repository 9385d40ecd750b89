package allinone

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/services/ingest"
	"github.com/ollyscale/ollyscale/services/janitor"
	"github.com/ollyscale/ollyscale/services/migrator"
	"github.com/ollyscale/ollyscale/services/query"
	"github.com/ollyscale/ollyscale/services/writer"
)

// TestPasswordsInAddressesAreNotTold runs every role with a database and a bus that do not answer, which is when addresses are spoken of, at
// the lowest level of the log, and has each show its configuration.
func TestPasswordsInAddressesAreNotTold(t *testing.T) {
	t.Parallel()
	for _, password := range []string{"correct-horse-battery", "correct-horse,battery", "correct-horse/battery"} {
		passwordIsNotTold(t, password, !strings.ContainsAny(password, ",/"))
	}
}

// passwordIsNotTold has all roles use a password; one that is not fit for a URL as it is, is refused and shown as little.
func passwordIsNotTold(t *testing.T, password string, fit bool) {
	t.Helper()
	database, bus := "postgres://olly:"+password+"@127.0.0.1:1/olly?sslmode=disable", "nats://olly:"+password+"@127.0.0.1:1"
	dir := tempDir(t)
	for name, role := range map[string]struct {
		program service.Program
		args    []string
	}{
		"ingest":    {service.NewProgram("ingest", ingest.DefaultConfig(), ingest.New), []string{"--bus-url", bus, "--http-address", testbed.Address(t), "--grpc-address", testbed.Address(t), "--ops-address="}},
		"writer":    {service.NewProgram("writer", writer.DefaultConfig(), writer.New), []string{"--bus-url", bus, "--postgres-url", database, "--ops-address="}},
		"query":     {service.NewProgram("query", query.DefaultConfig(), query.New), []string{"--bus-url", bus, "--postgres-url", database, "--http-address", testbed.Address(t), "--ops-address="}},
		"janitor":   {service.NewProgram("janitor", janitor.DefaultConfig(), janitor.New), []string{"--postgres-url", database, "--ops-address="}},
		"migrator":  {service.NewProgram("migrator", migrator.DefaultConfig(), migrator.New), []string{"--postgres-url", database}},
		"ollyscale": {service.NewProgram("ollyscale", DefaultConfig(), New), []string{"--data-dir", dir, "--postgres", database, "--ingest-http-address", testbed.Address(t), "--ingest-grpc-address", testbed.Address(t), "--query-http-address", testbed.Address(t)}},
	} {
		t.Run(name+" "+password, func(t *testing.T) {
			t.Parallel()
			for _, format := range []string{"json", "text"} {
				var out, complaint output
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan struct{})
				began := time.Now()
				go func() {
					defer close(ended)
					role.program(ctx, append(role.args, "--log-level=debug", "--log-format="+format), &out, &complaint)
				}()
				testbed.Eventually(t, "something is said of what does not answer", func() bool {
					select {
					case <-ended:
						return true
					default:
						return complaint.String() != "" && time.Since(began) > 3*time.Second
					}
				})
				cancel()
				<-ended
				require.NotEmpty(t, complaint.String())
				if code := role.program(t.Context(), append(role.args, "--print-config"), &out, &complaint); fit {
					require.Equal(t, service.ExitOK, code)
					require.NotEmpty(t, out.String())
				}
				for _, secret := range []string{"correct-horse", "battery"} {
					require.NotContains(t, out.String()+complaint.String(), secret)
				}
			}
		})
	}
}
