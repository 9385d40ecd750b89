package ingest

import (
	"fmt"
	"net"
	"time"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Config is ingest's configuration. Zero limits are the defaults.
type Config struct {
	GRPC GRPCConfig        `mapstructure:"grpc"`
	HTTP httpserver.Config `mapstructure:"http"`
	Bus  bus.Config        `mapstructure:"bus"`
	Auth auth.Config       `mapstructure:"auth"`
	Ops  service.OpsConfig `mapstructure:"ops"`

	// Admit bounds the time of what is taken.
	Admit AdmitConfig `mapstructure:"admit"`

	MaxRequestBytes  int64         `mapstructure:"max_request_bytes" doc:"Largest request after decompression."`
	MaxInFlightBytes int64         `mapstructure:"max_in_flight_bytes" doc:"Requests held in memory at once, after decompression; beyond it senders are told to retry."`
	PublishTimeout   time.Duration `mapstructure:"publish_timeout" doc:"How long a sender waits for the bus to acknowledge a request."`
}

// GRPCConfig is where OTLP/gRPC is served.
type GRPCConfig struct {
	Address      string        `mapstructure:"address" doc:"Address of OTLP/gRPC, host:port."`
	TLSCertFile  string        `mapstructure:"tls_cert_file" doc:"Certificate chain, PEM; empty for no TLS."`
	TLSKeyFile   string        `mapstructure:"tls_key_file" doc:"Private key of the certificate, PEM."`
	MaxStreams   int           `mapstructure:"max_streams" doc:"Requests of one connection served at once."`
	DrainTimeout time.Duration `mapstructure:"drain_timeout" doc:"Time that requests in flight have to end when the service stops."`
}

// AdmitConfig bounds the time of items: a span's start, a record's time, a point's time. It should not be longer than the data is
// kept, because what is older is dropped again at once.
type AdmitConfig struct {
	MaxAge   MaxAgeConfig  `mapstructure:"max_age"`
	MaxAhead time.Duration `mapstructure:"max_ahead" doc:"How far an item's time may lie in the future."`
}

// MaxAgeConfig is how old an item may be.
type MaxAgeConfig struct {
	Traces  time.Duration `mapstructure:"traces" doc:"How old a span may be; negative for any age."`
	Logs    time.Duration `mapstructure:"logs" doc:"How old a log record may be; negative for any age."`
	Metrics time.Duration `mapstructure:"metrics" doc:"How old a data point may be; negative for any age."`
}

// DefaultConfig listens on this machine only and takes what the default retention keeps.
func DefaultConfig() Config {
	http := httpserver.DefaultConfig("127.0.0.1:4318")
	http.MaxBodyBytes = 64 << 20
	return Config{
		GRPC: GRPCConfig{Address: "127.0.0.1:4317", MaxStreams: 256, DrainTimeout: 10 * time.Second},
		HTTP: http,
		Bus:  bus.DefaultConfig(),
		Auth: auth.DefaultConfig(),
		Admit: AdmitConfig{MaxAhead: time.Hour, MaxAge: MaxAgeConfig{
			Traces:  telemetry.DefaultRetention(telemetry.Traces),
			Logs:    telemetry.DefaultRetention(telemetry.Logs),
			Metrics: telemetry.DefaultRetention(telemetry.Metrics),
		}},
		MaxRequestBytes:  64 << 20,
		MaxInFlightBytes: 512 << 20,
		PublishTimeout:   10 * time.Second,
	}
}

func (c Config) withDefaults() Config {
	d := DefaultConfig()
	fill(&c.GRPC.Address, d.GRPC.Address)
	fill(&c.GRPC.MaxStreams, d.GRPC.MaxStreams)
	fill(&c.GRPC.DrainTimeout, d.GRPC.DrainTimeout)
	fill(&c.HTTP.Address, d.HTTP.Address)
	fill(&c.HTTP.MaxBodyBytes, d.HTTP.MaxBodyBytes)
	fill(&c.Admit.MaxAge.Traces, d.Admit.MaxAge.Traces)
	fill(&c.Admit.MaxAge.Logs, d.Admit.MaxAge.Logs)
	fill(&c.Admit.MaxAge.Metrics, d.Admit.MaxAge.Metrics)
	fill(&c.Admit.MaxAhead, d.Admit.MaxAhead)
	fill(&c.MaxRequestBytes, d.MaxRequestBytes)
	fill(&c.MaxInFlightBytes, d.MaxInFlightBytes)
	fill(&c.PublishTimeout, d.PublishTimeout)
	return c
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate names the key that is wrong.
func (c Config) Validate() error {
	c = c.withDefaults()
	if err := c.HTTP.Validate(); err != nil {
		return fmt.Errorf("http.%w", err)
	}
	if err := c.Bus.Validate(); err != nil {
		return err
	}
	if err := c.Auth.Validate(); err != nil {
		return err
	}
	bad := func(key, want string) error {
		return fault.Newf(fault.Invalid, "config.ingest", "%s: %s", key, want)
	}
	if _, _, err := net.SplitHostPort(c.GRPC.Address); err != nil {
		return bad("grpc.address", fmt.Sprintf("%q is not host:port", c.GRPC.Address))
	}
	switch {
	case (c.GRPC.TLSCertFile == "") != (c.GRPC.TLSKeyFile == ""):
		return bad("grpc.tls_cert_file, grpc.tls_key_file", "set both or none")
	case c.GRPC.MaxStreams < 1 || c.GRPC.MaxStreams > 1<<20:
		return bad("grpc.max_streams", "must be 1 to 1048576")
	case c.GRPC.DrainTimeout < 0:
		return bad("grpc.drain_timeout", "must not be negative")
	case c.Admit.MaxAhead < 0:
		return bad("admit.max_ahead", "must not be negative")
	case c.Bus.MaxMessageBytes > segment.MaxItemBytes:
		return bad("bus.max_message_bytes", fmt.Sprintf("must be at most %d: storage takes no larger item", segment.MaxItemBytes))
	case c.MaxRequestBytes < 1<<10 || c.MaxRequestBytes > 1<<30:
		return bad("max_request_bytes", "must be 1 KiB to 1 GiB")
	case c.MaxInFlightBytes < 2*c.MaxRequestBytes:
		return bad("max_in_flight_bytes", "must be at least twice max_request_bytes")
	case c.PublishTimeout < 0:
		return bad("publish_timeout", "must not be negative")
	}
	return nil
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
