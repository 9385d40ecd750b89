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
	URL         string `mapstructure:"url" doc:"NATS servers, separated by commas."`
	Credentials string `mapstructure:"credentials" doc:"Path of a NATS credentials file; empty for none."`
	CA          string `mapstructure:"ca" doc:"Path of the certificate authority of the NATS servers, PEM; empty for the system's."`
	Cert        string `mapstructure:"cert" doc:"Path of the client certificate towards NATS, PEM; empty for none."`
	Key         string `mapstructure:"key" doc:"Path of the client certificate's private key, PEM."`

	Replicas        int           `mapstructure:"replicas" doc:"Copies of every stream: 1, or 3 in a cluster."`
	MaxBytes        int64         `mapstructure:"max_bytes" doc:"Size of one signal's stream; a full stream refuses new data, it never drops old data."`
	DeadMaxBytes    int64         `mapstructure:"dead_max_bytes" doc:"Size of the stream of dead letters."`
	MaxMessageBytes int           `mapstructure:"max_message_bytes" doc:"Largest message, headers included; the server's max_payload bounds it too."`
	DuplicateWindow time.Duration `mapstructure:"duplicate_window" doc:"How long the bus itself recognises a batch that is sent twice; the ledger does so afterwards."`
	Compression     string        `mapstructure:"compression" doc:"Compression of batches: s2, zstd or none."`

	PublishTimeout time.Duration `mapstructure:"publish_timeout" doc:"How long one acknowledgement of the bus is waited for."`
	MaxInFlight    int           `mapstructure:"max_in_flight" doc:"Batches published and not yet acknowledged, per process."`
	RequestTimeout time.Duration `mapstructure:"request_timeout" doc:"How long one request to the administration of the bus may take."`

	AckWait       time.Duration `mapstructure:"ack_wait" doc:"How long a writer may hold a batch without a sign of life before another one gets it."`
	MaxAckPending int           `mapstructure:"max_ack_pending" doc:"Batches of one signal that all writers together may hold."`
	MaxAttempts   int           `mapstructure:"max_attempts" doc:"Deliveries of a batch that fails with an internal error before it becomes a dead letter."`

	// InProcess, if set, is the server to connect to.
	InProcess InProcess `mapstructure:"-"`
}

// DefaultConfig connects to a NATS server on this machine.
func DefaultConfig() Config {
	return Config{
		URL:             "nats://127.0.0.1:4222",
		Replicas:        1,
		MaxBytes:        2 << 30, // NATS reserves it, so it must fit a laptop's disk three times
		DeadMaxBytes:    256 << 20,
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
