package ingest

import (
	"time"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Config is ingest's configuration.
type Config struct {
	GRPC GRPCConfig        `mapstructure:"grpc"`
	HTTP httpserver.Config `mapstructure:"http"`
	Bus  bus.Config        `mapstructure:"bus"`
	Auth auth.Config       `mapstructure:"auth"`
	Ops  service.OpsConfig `mapstructure:"ops"`

	// Admit bounds the time of what is taken.
	Admit AdmitConfig `mapstructure:"admit"`
	// Dedup tells retries from new requests.
	Dedup DedupConfig `mapstructure:"dedup"`

	// Quota limits tenants.
	Quota QuotaConfig `mapstructure:"quota"`

	// Beacons is about pages of a browser.
	Beacons bool `mapstructure:"beacons" doc:"Take text/plain from pages of http.cors_origins as OTLP JSON: what navigator.sendBeacon sends when a page is left."`

	MaxRequestBytes  int64         `mapstructure:"max_request_bytes" doc:"Largest request after decompression."`
	MaxInFlightBytes int64         `mapstructure:"max_in_flight_bytes" doc:"Requests held in memory at once, as sent and after decompression; beyond it senders are told to retry. 0 for a quarter of the memory that the process may use, and 512 MiB where that is not limited."`
	PublishTimeout   time.Duration `mapstructure:"publish_timeout" doc:"How long a sender waits for the bus to acknowledge a request."`
}

// GRPCConfig is where OTLP/gRPC is served.
type GRPCConfig struct {
	Address      string        `mapstructure:"address" usual:"true" doc:"Address of OTLP/gRPC, host:port."`
	TLSCertFile  string        `mapstructure:"tls_cert_file" doc:"Certificate chain, PEM; empty for no TLS."`
	TLSKeyFile   string        `mapstructure:"tls_key_file" doc:"Private key of the certificate, PEM."`
	MaxStreams   int           `mapstructure:"max_streams" doc:"Requests of one connection served at once."`
	ReadTimeout  time.Duration `mapstructure:"read_timeout" doc:"Time for one request to arrive; 0 for no limit."`
	IdleTimeout  time.Duration `mapstructure:"idle_timeout" doc:"Time that a connection without a request is kept."`
	MaxAge       time.Duration `mapstructure:"max_connection_age" doc:"Time after which a connection is ended, once its requests are answered, so that its sender connects anew: one stays with the replica that it found first, and those that came later get nothing; 0 for never."`
	Connections  int           `mapstructure:"max_connections" doc:"Connections served at once; others wait to be accepted."`
	DrainTimeout time.Duration `mapstructure:"drain_timeout" doc:"Time that requests in flight have to end when the service stops; 0 cuts them at once."`
}

// AdmitConfig bounds the time of items: a span's start, a record's time, a point's time. What is older than its
// tenant keeps is refused besides, as soon as the bus has told how long that is.
type AdmitConfig struct {
	MaxAge   MaxAgeConfig  `mapstructure:"max_age"`
	MaxAhead time.Duration `mapstructure:"max_ahead" doc:"How far an item's time may lie in the future; 0 for not at all."`
}

// MaxAgeConfig is how old an item may be.
type MaxAgeConfig struct {
	Traces  time.Duration `mapstructure:"traces" doc:"How old a span may be; negative for any age."`
	Logs    time.Duration `mapstructure:"logs" doc:"How old a log record may be; negative for any age."`
	Metrics time.Duration `mapstructure:"metrics" doc:"How old a data point may be; negative for any age."`
}

// maxRequest is the default of both limits: what does not compress is as large as it is sent.
const maxRequest = 64 << 20

// DefaultConfig listens on this machine only and takes what the default retention keeps.
func DefaultConfig() Config {
	http := httpserver.DefaultConfig("127.0.0.1:4318")
	http.MaxBodyBytes = maxRequest
	return Config{
		GRPC: GRPCConfig{
			Address: "127.0.0.1:4317", MaxStreams: 256, ReadTimeout: 30 * time.Second, IdleTimeout: 5 * time.Minute, MaxAge: 5 * time.Minute,
			Connections: httpserver.DefaultConnections, DrainTimeout: 10 * time.Second,
		},
		HTTP:  http,
		Bus:   bus.DefaultConfig(),
		Auth:  auth.DefaultConfig(),
		Dedup: defaultDedup(),
		Quota: defaultQuota(),
		Admit: AdmitConfig{MaxAhead: time.Hour, MaxAge: MaxAgeConfig{
			Traces:  telemetry.DefaultRetention(telemetry.Traces),
			Logs:    telemetry.DefaultRetention(telemetry.Logs),
			Metrics: telemetry.DefaultRetention(telemetry.Metrics),
		}},
		MaxRequestBytes: maxRequest,
		PublishTimeout:  10 * time.Second,
	}
}

// Validate names the keys that are wrong.
func (c Config) Validate() error {
	var p settings.Problems
	p.Section("http", c.HTTP.Validate())
	p.Section("bus", c.Bus.Validate())
	p.Section("auth", c.Auth.Validate())
	p.Address("grpc.address", c.GRPC.Address)
	p.Together("grpc.tls_cert_file", c.GRPC.TLSCertFile, "grpc.tls_key_file", c.GRPC.TLSKeyFile)
	settings.Between(&p, "grpc.max_streams", c.GRPC.MaxStreams, 1, 1<<20)
	settings.NotNegative(&p, "grpc.read_timeout", c.GRPC.ReadTimeout)
	settings.Positive(&p, "grpc.idle_timeout", c.GRPC.IdleTimeout)
	settings.NotNegative(&p, "grpc.max_connection_age", c.GRPC.MaxAge)
	settings.Positive(&p, "grpc.max_connections", c.GRPC.Connections)
	settings.NotNegative(&p, "grpc.drain_timeout", c.GRPC.DrainTimeout)
	for _, age := range []struct {
		key string
		age time.Duration
	}{{"traces", c.Admit.MaxAge.Traces}, {"logs", c.Admit.MaxAge.Logs}, {"metrics", c.Admit.MaxAge.Metrics}} {
		if age.age == 0 {
			p.Refuse("admit.max_age."+age.key, "0 would take nothing: want more, or less for any age")
		}
	}
	settings.NotNegative(&p, "admit.max_ahead", c.Admit.MaxAhead)
	c.Dedup.problems(&p)
	c.Quota.problems(&p)
	if c.Bus.MaxMessageBytes > segment.MaxItemBytes {
		p.Refuse("bus.max_message_bytes", "%d is more than %d: storage takes no larger item", c.Bus.MaxMessageBytes, segment.MaxItemBytes)
	}
	if c.Beacons && len(c.HTTP.CORSOrigins) == 0 {
		p.Refuse("beacons", "http.cors_origins names no page that may send them")
	}
	settings.Between(&p, "max_request_bytes", c.MaxRequestBytes, 1<<10, 1<<30)
	if c.MaxInFlightBytes != 0 && c.MaxInFlightBytes < oneRequest*c.MaxRequestBytes {
		p.Refuse("max_in_flight_bytes", "%s is less than %d times max_request_bytes (%s)", settings.Bytes(c.MaxInFlightBytes), oneRequest, settings.Bytes(c.MaxRequestBytes))
	}
	settings.Positive(&p, "publish_timeout", c.PublishTimeout)
	return p.Err()
}

// oneRequest is how many times its largest size a request that is alone may take: as sent, and as decompressed while it grows.
const oneRequest = 3

// inFlight is the budget of a process that may use so many bytes, 0 where nothing limits it.
func (c Config) inFlight(memory int64) int64 {
	const unlimited = 512 << 20
	switch {
	case c.MaxInFlightBytes > 0:
		return c.MaxInFlightBytes
	case memory > 0:
		return max(memory/4, oneRequest*c.MaxRequestBytes)
	}
	return max(unlimited, oneRequest*c.MaxRequestBytes)
}

// limits is the window of a signal at an instant. MaxBytes is left to the bus.
func (c AdmitConfig) limits(signal telemetry.Signal, now time.Time) telemetry.Limits {
	var age time.Duration
	switch signal {
	case telemetry.Traces:
		age = c.MaxAge.Traces
	case telemetry.Logs:
		age = c.MaxAge.Logs
	case telemetry.Metrics:
		age = c.MaxAge.Metrics
	}
	l := telemetry.Limits{MaxTime: now.Add(c.MaxAhead).UnixNano()}
	if age > 0 {
		l.MinTime = now.Add(-age).UnixNano()
	} else {
		l.MinTime = 1 // an item without a time has no place in the storage, however wide the window
	}
	return l
}
