package allinone

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/ollyscale/ollyscale/libs/bus"
)

// NATSConfig is the embedded bus.
type NATSConfig struct {
	StreamMaxBytes int64         `mapstructure:"stream_max_bytes" doc:"Size on disk of the queue of one signal; a full queue refuses telemetry."`
	SyncInterval   time.Duration `mapstructure:"sync_interval" doc:"How often the queue is forced to disk: what a power cut may cost. 0 forces it before every answer."`
}

// deadMaxBytes bounds what could not be written and waits to be looked at.
const deadMaxBytes = 256 << 20

// natsPatience is long because a large queue is read through after a crash.
const natsPatience = time.Minute

// startNATS starts a JetStream server without a socket. Stop it with stopNATS.
func startNATS(ctx context.Context, cfg NATSConfig, dir string, log *slog.Logger) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName:         "ollyscale",
		DontListen:         true,
		NoSigs:             true,
		JetStream:          true,
		StoreDir:           dir,
		JetStreamMaxMemory: 64 << 20, // nothing is kept in memory; 0 would claim three quarters of it
		// Twice what the streams reserve: two roles that make them at the same time reserve them twice for a moment.
		JetStreamMaxStore: 2 * (3*cfg.StreamMaxBytes + deadMaxBytes + bus.SnapshotBytes),
		SyncInterval:      cfg.SyncInterval,
		SyncAlways:        cfg.SyncInterval == 0,
	})
	if err != nil {
		return nil, errNATS.Wrap(err, "NATS does not start")
	}
	s.SetLoggerV2(natsLog{log}, false, false, false)
	s.Start()
	begin := time.Now()
	for !s.ReadyForConnections(100 * time.Millisecond) {
		if err := ctx.Err(); err != nil {
			stopNATS(s)
			return nil, err
		}
		if time.Since(begin) > natsPatience {
			stopNATS(s)
			return nil, errNATS.Newf("NATS is not ready after %s; its files are in %s", natsPatience, dir)
		}
	}
	if !s.JetStreamEnabled() {
		stopNATS(s)
		return nil, errNATS.Newf("NATS cannot use its files in %s", dir)
	}
	return s, nil
}

// stopNATS is idempotent.
func stopNATS(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// busConfig points a role to the embedded server; every role makes its own connection.
func busConfig(base bus.Config, cfg NATSConfig, s *server.Server) bus.Config {
	base.InProcess = s
	base.Replicas = 1
	base.MaxBytes = cfg.StreamMaxBytes
	base.DeadMaxBytes = deadMaxBytes
	// There is one writer, which tells the bus every 15 seconds that it lives: after a crash its batches need not wait for long.
	base.AckWait = 20 * time.Second
	return base
}

// natsLog passes the server's warnings and errors on; its notices are about itself and say nothing to a user.
type natsLog struct{ log *slog.Logger }

func (l natsLog) Noticef(format string, v ...any) { l.write(slog.LevelDebug, format, v) }
func (l natsLog) Warnf(format string, v ...any)   { l.write(slog.LevelWarn, format, v) }
func (l natsLog) Errorf(format string, v ...any)  { l.write(slog.LevelError, format, v) }
func (l natsLog) Fatalf(format string, v ...any)  { l.write(slog.LevelError, format, v) }
func (natsLog) Debugf(string, ...any)             {}
func (natsLog) Tracef(string, ...any)             {}

func (l natsLog) write(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "nats", "message", fmt.Sprintf(format, v...))
}
