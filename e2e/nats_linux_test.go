package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/testbed"
)

// What a NATS server says of itself when its disk has been full: what docs/reliability.md builds on for the probes of an orchestrator. It keeps the write error
// also when there is room again, and only its /healthz without a parameter tells. One that is started while its disk is full, and is not told how much it may
// store, takes what is free for its limit: it then refuses for ever, and says that it is well.
func TestWhatANATSServerSaysWhoseDiskWasFull(t *testing.T) {
	t.Parallel()
	well, stuck := [3]int{200, 200, 200}, [3]int{503, 200, 200}
	for _, test := range []struct {
		name, limit string
		anew        [3]int // what it says when it was started while its disk was full, and refuses
	}{
		{"a limit of its store", "max_file_store: 48MB", stuck},
		{"no limit", "", well},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &stack{t: t, dir: t.TempDir()}
			disk := testbed.NewDisk(t, 64<<20)
			port, monitor := testbed.Port(t), testbed.Port(t)
			settings := filepath.Join(s.dir, "nats.conf")
			require.NoError(t, os.WriteFile(settings, fmt.Appendf(nil, "jetstream { store_dir: %q, %s }", filepath.Join(disk.Dir, "nats"), test.limit), 0o600))
			p := s.start("nats", natsServer(t), nil, "-a", "127.0.0.1", "-p", strconv.Itoa(port), "-m", strconv.Itoa(monitor), "-c", settings)
			says := func() (codes [3]int) {
				for i, parameter := range []string{"", "?js-server-only=true", "?js-enabled-only=true"} {
					codes[i] = status(t, "http://"+address(monitor)+"/healthz"+parameter)
				}
				return codes
			}
			waitFor(t, 10*time.Second, "it is well", func() bool { return says() == well })
			nc, err := nats.Connect("nats://"+address(port), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
			require.NoError(t, err)
			t.Cleanup(nc.Close)
			js, err := jetstream.New(nc)
			require.NoError(t, err)
			_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, MaxBytes: 32 << 20})
			require.NoError(t, err)
			noise := make([]byte, 64<<10)
			_, _ = rand.Read(noise)
			publish := func() error {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				_, err := js.Publish(ctx, "s", noise, jetstream.WithRetryAttempts(0))
				return err
			}
			require.NoError(t, publish())

			disk.Fill()
			waitFor(t, 10*time.Second, "it refuses", func() bool { return publish() != nil })
			require.Equal(t, stuck, says(), "while the disk is full")
			disk.Free()
			require.Error(t, publish(), "there is room again")
			require.Equal(t, stuck, says(), "when there is room again")
			p.stop()
			p.run()
			waitFor(t, 10*time.Second, "it takes again, started anew", func() bool { return publish() == nil })
			require.Equal(t, well, says())

			disk.Fill()
			waitFor(t, 10*time.Second, "it refuses again", func() bool { return publish() != nil })
			p.stop()
			p.run() // as a probe on /healthz has it, while the disk is still full
			waitFor(t, 10*time.Second, "it answers", func() bool { return says()[1] == http.StatusOK })
			waitFor(t, 10*time.Second, "it refuses anew", func() bool { return publish() != nil })
			require.Equal(t, test.anew, says())
			disk.Free()
			require.Error(t, publish())
			require.Equal(t, test.anew, says(), "when there is room again")
			p.stop()
			p.run()
			waitFor(t, 10*time.Second, "it takes again", func() bool { return publish() == nil })
		})
	}
}
