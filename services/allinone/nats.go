package allinone

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"syscall"
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

// parkedMaxBytes bounds what a newer version wrote before an older one was started again.
const parkedMaxBytes = 64 << 20

// natsPatience is long because a large queue is read through after a crash.
const natsPatience = time.Minute

// queue is the embedded NATS server, supervised: roles connect through it, so that they find the next server when this one had to be started
// anew.
type queue struct {
	cfg NATSConfig
	dir string
	log *slog.Logger

	mu      sync.Mutex
	current *server.Server // nil while there is none
}

// startNATS starts a JetStream server without a socket. Stop it with stop.
func startNATS(ctx context.Context, cfg NATSConfig, dir string, log *slog.Logger) (*queue, error) {
	q := &queue{cfg: cfg, dir: dir, log: log}
	s, err := q.open(ctx)
	if err != nil {
		return nil, err
	}
	q.current = s
	return q, nil
}

func (q *queue) open(ctx context.Context) (*server.Server, error) {
	s, err := server.NewServer(&server.Options{
		ServerName:         "ollyscale",
		DontListen:         true,
		NoSigs:             true,
		JetStream:          true,
		StoreDir:           q.dir,
		MaxPayload:         int32(bus.DefaultConfig().MaxMessageBytes), //nolint:gosec // 8 MiB
		JetStreamMaxMemory: 64 << 20,                                   // nothing is kept in memory; 0 would claim three quarters of it
		// Twice what the streams reserve: two roles that make them at the same time reserve them twice for a moment.
		JetStreamMaxStore: 2 * (3*q.cfg.StreamMaxBytes + deadMaxBytes + parkedMaxBytes + bus.SnapshotBytes),
		SyncInterval:      q.cfg.SyncInterval,
		SyncAlways:        q.cfg.SyncInterval == 0,
	})
	if err != nil {
		return nil, errNATS.Wrap(err, "NATS does not start")
	}
	s.SetLoggerV2(natsLog{q.log}, false, false, false)
	s.Start()
	begin := time.Now()
	for !s.ReadyForConnections(100 * time.Millisecond) {
		if err := ctx.Err(); err != nil {
			shutDown(s)
			return nil, err
		}
		if time.Since(begin) > natsPatience {
			shutDown(s)
			return nil, errNATS.Newf("NATS is not ready after %s; its files are in %s", natsPatience, q.dir)
		}
	}
	if !s.JetStreamEnabled() {
		shutDown(s)
		return nil, errNATS.Newf("NATS cannot use its files in %s", q.dir)
	}
	return s, nil
}

// How the server is watched.
const (
	lookEvery = time.Second
	lookMost  = 8 * time.Second // between tries that did not help
	// roomToReopen is the free space from which on a server whose disk was full is started again: its start writes a little.
	roomToReopen = 64 << 20
)

// run supervises the server until ctx ends, and stops it then. A stream that once failed to write refuses everything from then on, also when
// its disk has room again (nats-server since 2.14): only reading its files anew makes it well. So the server is started again as soon as there
// is room. Nothing is lost: what was acknowledged is in the files, and what was not, its sender sends again.
func (q *queue) run(ctx context.Context) error {
	defer q.stop()
	pause, told := lookEvery, false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		trouble := q.trouble()
		if trouble == "" {
			pause, told = lookEvery, false
			continue
		}
		if !told {
			told = true
			q.log.WarnContext(ctx, "the queue cannot write; it is opened again when its disk has room", "reason", trouble)
		}
		if free, ok := freeBytes(q.dir); ok && free < roomToReopen {
			continue
		}
		pause = min(2*pause, lookMost) // should it not help
		begin := time.Now()
		q.stop()
		s, err := q.open(ctx)
		if err != nil {
			q.log.ErrorContext(ctx, "the queue does not open", "error", err.Error())
			continue // trouble says so, and it is tried again
		}
		q.mu.Lock()
		q.current = s
		q.mu.Unlock()
		q.log.InfoContext(ctx, "the queue is open again", "took", time.Since(begin))
	}
}

// trouble says why the queue cannot write, "" where it can.
func (q *queue) trouble() string {
	q.mu.Lock()
	s := q.current
	q.mu.Unlock()
	if s == nil {
		return "there is no server"
	}
	var reasons []string
	for _, e := range s.Healthz(&server.HealthzOptions{Details: true}).Errors {
		reasons = append(reasons, e.Error)
	}
	return strings.Join(reasons, "; ")
}

// health is trouble for whoever asks: the server's own words hold paths and stay in the log.
func (q *queue) health(context.Context) error {
	trouble := q.trouble()
	switch free, ok := freeBytes(q.dir); {
	case trouble == "":
		return nil
	case ok && free < roomToReopen:
		return errDiskFull.Newf("the disk of the queue is full: %d MiB are free; it is opened again when there are %d", free>>20, roomToReopen>>20)
	}
	return errNATS.New("the queue could not write to its disk and is being opened again")
}

// InProcessConn makes a connection to the server that runs now.
func (q *queue) InProcessConn() (net.Conn, error) {
	q.mu.Lock()
	s := q.current
	q.mu.Unlock()
	if s == nil {
		return nil, errNATS.New("the embedded NATS is being started again")
	}
	return s.InProcessConn() //nolint:wrapcheck // it is the server's own
}

// stop is idempotent.
func (q *queue) stop() {
	q.mu.Lock()
	s := q.current
	q.current = nil
	q.mu.Unlock()
	if s != nil {
		shutDown(s)
	}
}

func shutDown(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// freeBytes is the room that is left on the disk of a directory.
func freeBytes(dir string) (free uint64, ok bool) {
	var stat syscall.Statfs_t
	if syscall.Statfs(dir, &stat) != nil {
		return 0, false
	}
	return stat.Bavail * uint64(stat.Bsize), true //nolint:gosec // a block size is positive
}

// busConfig points a role to the embedded server; every role makes its own connection.
func busConfig(base bus.Config, cfg NATSConfig, q *queue) bus.Config {
	base.InProcess = q
	base.Replicas = 1
	base.MaxBytes = cfg.StreamMaxBytes
	base.DeadMaxBytes = deadMaxBytes
	base.ParkedMaxBytes = parkedMaxBytes
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
