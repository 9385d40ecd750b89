package bus

import (
	"net"
	"time"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// InProcess is a NATS server that lives in this process: *server.Server of nats-server is one. It lets the bus connect without a
// socket while only the all-in-one binary and the tests link the server.
type InProcess interface {
	InProcessConn() (net.Conn, error)
}

// Config says where the bus is and how its streams are kept. Every service of one installation must be given the same values for
// the streams: the last one to start wins.
type Config struct {
	// URL is one or more NATS URLs, separated by commas. Ignored where InProcess is set.
	URL string `mapstructure:"url"`
	// Credentials is the path of a NATS credentials file; "" for none.
	Credentials string `mapstructure:"credentials"`
	// CA, Cert and Key are paths of PEM files for TLS towards NATS; "" for none.
	CA   string `mapstructure:"ca"`
	Cert string `mapstructure:"cert"`
	Key  string `mapstructure:"key"`

	// Replicas of every stream: 1, or 3 in a cluster of three servers and more.
	Replicas int `mapstructure:"replicas"`
	// MaxBytes bounds the stream of one signal, in bytes; a full stream refuses new data, it never drops old data.
	MaxBytes int64 `mapstructure:"max_bytes"`
	// DeadMaxBytes bounds the stream of dead letters, in bytes.
	DeadMaxBytes int64 `mapstructure:"dead_max_bytes"`
	// MaxMessageBytes bounds one message, headers included; the server's own max_payload (1 MiB unless configured) bounds it too.
	MaxMessageBytes int `mapstructure:"max_message_bytes"`
	// DuplicateWindow is how long the bus itself recognises a batch sent twice; the ledger in the database does so afterwards.
	DuplicateWindow time.Duration `mapstructure:"duplicate_window"`
	// Compression of bodies: s2, zstd or none.
	Compression string `mapstructure:"compression"`

	// PublishTimeout bounds the wait for one PubAck.
	PublishTimeout time.Duration `mapstructure:"publish_timeout"`
	// MaxInFlight bounds the messages published and not yet acknowledged, per process.
	MaxInFlight int `mapstructure:"max_in_flight"`
	// RequestTimeout bounds one request to JetStream's API (stream and consumer administration, health).
	RequestTimeout time.Duration `mapstructure:"request_timeout"`

	// AckWait is how long a delivery may stay unsettled, without Delivery.InProgress, before it is delivered again.
	AckWait time.Duration `mapstructure:"ack_wait"`
	// MaxAckPending bounds the deliveries of one signal that all writers together hold unsettled.
	MaxAckPending int `mapstructure:"max_ack_pending"`
	// MaxAttempts is after how many deliveries a batch that fails with an internal error becomes a dead letter.
	// A batch that fails because something is down or full is tried for ever.
	MaxAttempts int `mapstructure:"max_attempts"`

	// InProcess, if set, is the server to connect to.
	InProcess InProcess `mapstructure:"-"`
}

// DefaultConfig connects to a NATS server on this machine.
func DefaultConfig() Config {
	return Config{
		URL:             "nats://127.0.0.1:4222",
		Replicas:        1,
		MaxBytes:        8 << 30,
		DeadMaxBytes:    1 << 30,
		MaxMessageBytes: 1 << 20,
		DuplicateWindow: 10 * time.Minute,
		Compression:     "s2",
		PublishTimeout:  5 * time.Second,
		MaxInFlight:     1024,
		RequestTimeout:  5 * time.Second,
		AckWait:         60 * time.Second,
		MaxAckPending:   4096,
		MaxAttempts:     8,
	}
}

// withDefaults fills what is zero, so that a Config written before a field existed still works.
func (c Config) withDefaults() Config {
	d := DefaultConfig()
	fill(&c.URL, d.URL)
	fill(&c.Replicas, d.Replicas)
	fill(&c.MaxBytes, d.MaxBytes)
	fill(&c.DeadMaxBytes, d.DeadMaxBytes)
	fill(&c.MaxMessageBytes, d.MaxMessageBytes)
	fill(&c.DuplicateWindow, d.DuplicateWindow)
	fill(&c.Compression, d.Compression)
	fill(&c.PublishTimeout, d.PublishTimeout)
	fill(&c.MaxInFlight, d.MaxInFlight)
	fill(&c.RequestTimeout, d.RequestTimeout)
	fill(&c.AckWait, d.AckWait)
	fill(&c.MaxAckPending, d.MaxAckPending)
	fill(&c.MaxAttempts, d.MaxAttempts)
	return c
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// minMessageBytes leaves room for the headers and for one ordinary item.
const minMessageBytes = 64 << 10

// Validate reports the first field that cannot work; a zero field takes its default and is fine.
func (c Config) Validate() error {
	c = c.withDefaults()
	bad := func(field, want string) error {
		return fault.Newf(fault.Invalid, "config.bus", "bus.%s: %s", field, want)
	}
	switch {
	case c.Replicas < 1 || c.Replicas > 5:
		return bad("replicas", "must be 1 to 5")
	case c.MaxBytes < 1<<20:
		return bad("max_bytes", "must be at least 1 MiB")
	case c.DeadMaxBytes < 1<<20:
		return bad("dead_max_bytes", "must be at least 1 MiB")
	case c.MaxMessageBytes < minMessageBytes || c.MaxMessageBytes > 64<<20:
		return bad("max_message_bytes", "must be 64 KiB to 64 MiB")
	case c.DuplicateWindow < time.Second:
		return bad("duplicate_window", "must be at least 1s")
	case c.Compression != "s2" && c.Compression != "zstd" && c.Compression != "none":
		return bad("compression", "must be s2, zstd or none")
	case c.PublishTimeout < 0 || c.RequestTimeout < 0:
		return bad("publish_timeout, request_timeout", "must not be negative")
	case c.MaxInFlight < publishWave:
		return bad("max_in_flight", "must be at least 64")
	case c.AckWait < time.Second:
		return bad("ack_wait", "must be at least 1s")
	case c.MaxAckPending < 1:
		return bad("max_ack_pending", "must be at least 1")
	case c.MaxAttempts < 1:
		return bad("max_attempts", "must be at least 1")
	case (c.Cert == "") != (c.Key == ""):
		return bad("cert, key", "must be given together")
	}
	return nil
}
