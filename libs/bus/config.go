package bus

import (
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/settings"
)

// InProcess is a NATS server that lives in this process: *server.Server of nats-server is one. It lets the bus connect without a
// socket while only the all-in-one binary and the tests link the server.
type InProcess interface {
	InProcessConn() (net.Conn, error)
}

// Config says where the bus is and how its streams are kept. Every service of one installation must be given the same values for
// the streams: the last one to start wins, but for max_message_bytes, of which the streams keep the largest.
type Config struct {
	URL         string `mapstructure:"url" usual:"true" secret:"hosts" doc:"NATS servers, separated by commas."`
	Credentials string `mapstructure:"credentials" doc:"Path of a NATS credentials file; empty for none."`
	CA          string `mapstructure:"ca" doc:"Path of the certificate authority of the NATS servers, PEM; empty for the system's."`
	Cert        string `mapstructure:"cert" doc:"Path of the client certificate towards NATS, PEM; empty for none."`
	Key         string `mapstructure:"key" doc:"Path of the client certificate's private key, PEM."`

	Replicas        int           `mapstructure:"replicas" doc:"Copies of every stream: 1, or 3 in a cluster."`
	MaxBytes        int64         `mapstructure:"max_bytes" doc:"Size of one signal's stream; a full stream refuses new data, it never drops old data."`
	DeadMaxBytes    int64         `mapstructure:"dead_max_bytes" doc:"Size of the stream of dead letters; when it is full the oldest go."`
	ParkedMaxBytes  int64         `mapstructure:"parked_max_bytes" doc:"Size of the stream in which batches of a newer version wait for a newer writer; when it is full they wait in their signal's."`
	MaxMessageBytes int           `mapstructure:"max_message_bytes" doc:"Largest message, headers included; the server's max_payload bounds it too. A start raises the limit of the streams, it never lowers it: once all services have less, lower it with nats stream edit --max-msg-size."`
	DuplicateWindow time.Duration `mapstructure:"duplicate_window" doc:"How long the bus itself recognises a batch that is sent twice; the ledger does so afterwards."`
	Compression     string        `mapstructure:"compression" doc:"Compression of batches: s2, zstd or none."`

	GroupDelay     time.Duration `mapstructure:"group_delay" doc:"How long a small request waits at most for others of its tenant and signal, to share a message of the bus, and its write to disk, with them. It waits only where some of these are on their way, or were answered just now. 0 for a message each."`
	PublishTimeout time.Duration `mapstructure:"publish_timeout" doc:"How long one acknowledgement of the bus is waited for."`
	MaxInFlight    int           `mapstructure:"max_in_flight" doc:"Messages published and not yet acknowledged, per process."`
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
		ParkedMaxBytes:  256 << 20,
		MaxMessageBytes: 8 << 20, // a prompt in an attribute is a megabyte and more; the server may bound it below
		DuplicateWindow: 10 * time.Minute,
		Compression:     "s2",
		GroupDelay:      2 * time.Millisecond,
		PublishTimeout:  5 * time.Second,
		MaxInFlight:     1024,
		RequestTimeout:  5 * time.Second,
		AckWait:         60 * time.Second,
		MaxAckPending:   4096,
		MaxAttempts:     8,
	}
}

// minMessageBytes leaves room for the headers and for one ordinary item.
const minMessageBytes = 64 << 10

// Validate names the keys that are wrong, relative to the bus's own section.
func (c Config) Validate() error {
	var p settings.Problems
	servers := 0
	for i, server := range strings.Split(c.URL, ",") { // as nats.go reads it, which passes over what is empty
		if server = strings.TrimSpace(server); server == "" {
			continue
		}
		servers++
		if !strings.Contains(server, "://") {
			server = "nats://" + server
		}
		// Nothing of it is shown: where a password has a sign in it that parts an address, it is not clear what belongs to it.
		if u, err := url.Parse(server); err != nil || u.Host == "" {
			p.Refuse("url", "entry %d of the list is no nats://host:port; in a user or a password write , / : @ and %% as %%2C %%2F %%3A %%40 %%25", i+1)
		}
	}
	if servers == 0 {
		p.Refuse("url", "an address is required")
	}
	p.Together("cert", c.Cert, "key", c.Key)
	settings.Between(&p, "replicas", c.Replicas, 1, 5)
	settings.AtLeast(&p, "max_bytes", c.MaxBytes, 1<<20)
	settings.AtLeast(&p, "dead_max_bytes", c.DeadMaxBytes, 1<<20)
	settings.AtLeast(&p, "parked_max_bytes", c.ParkedMaxBytes, 1<<20)
	settings.Between(&p, "max_message_bytes", c.MaxMessageBytes, minMessageBytes, 64<<20)
	settings.AtLeast(&p, "duplicate_window", c.DuplicateWindow, time.Second)
	p.OneOf("compression", c.Compression, "s2", "zstd", "none")
	settings.Between(&p, "group_delay", c.GroupDelay, 0, time.Second)
	settings.Positive(&p, "publish_timeout", c.PublishTimeout)
	settings.AtLeast(&p, "max_in_flight", c.MaxInFlight, publishWave)
	settings.Positive(&p, "request_timeout", c.RequestTimeout)
	settings.AtLeast(&p, "ack_wait", c.AckWait, time.Second)
	settings.AtLeast(&p, "max_ack_pending", c.MaxAckPending, 1)
	settings.AtLeast(&p, "max_attempts", c.MaxAttempts, 1)
	return p.Err()
}
