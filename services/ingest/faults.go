package ingest

import (
	"github.com/ollyscale/ollyscale/libs/fault"
)

// The codes of this package's errors. docs/errors.md is made from them.
var (
	errEncoding = fault.Kind{
		Class: fault.Invalid, Code: "http.bad_encoding",
		Meaning: "The body cannot be decompressed as its Content-Encoding says.",
		Advice:  "Mend the sender; a retry cannot help.",
	}
	errBody = fault.Kind{
		Class: fault.Invalid, Code: "http.bad_body",
		Meaning: "The body is not framed as its headers say, or a call of gRPC has no message. One that was cut on its way is `timeout`.",
		Advice:  "Mend the sender, or the proxy in front; a retry cannot help.",
	}
	errCertificate = fault.Kind{
		Class: fault.Invalid, Code: "config.ingest",
		Meaning: "The certificate or key of OTLP/gRPC cannot be read.",
		Advice:  "Check grpc.tls_cert_file and grpc.tls_key_file.",
	}
	errJSON = fault.Kind{
		Class: fault.Invalid, Code: "otlp.bad_json",
		Meaning: "The body is no OTLP/JSON; the message says where it breaks.",
		Advice:  "Mend the sender; a retry cannot help.",
	}
	errDedup = fault.Kind{
		Class: fault.Invalid, Code: "config.dedup",
		Meaning: "An exception in dedup.tenants cannot be read.",
		Advice:  "Write it as tenant/signal=content, answers or off.",
	}
	errProfiles = fault.Kind{
		Class: fault.NotFound, Code: "otlp.no_profiles",
		Meaning: "Profiles are sent, a signal of OTLP that is still being developed, and that is not taken: 404 by HTTP, UNIMPLEMENTED by gRPC.",
		Advice:  "Take profiles out of the exporter's pipelines; the other signals are not touched.",
	}
	errQuotaBytes = fault.Kind{
		Class: fault.Overloaded, Code: "quota.bytes",
		Meaning: "The tenant sends more bytes a second than it may.",
		Advice:  "Retry after the time that the answer names, as exporters do; if it goes on, send less or have the limit raised (docs/quotas.md).",
	}
	errQuotaItems = fault.Kind{
		Class: fault.Overloaded, Code: "quota.items",
		Meaning: "The tenant sends more spans, log records or data points a second than it may.",
		Advice:  "Retry after the time that the answer names, as exporters do; if it goes on, send less or have the limit raised (docs/quotas.md).",
	}
	errQuotaInFlight = fault.Kind{
		Class: fault.Overloaded, Code: "quota.in_flight",
		Meaning: "As many requests of the tenant, or bytes of them, are being received and published as may be at a time.",
		Advice:  "Retry; if it goes on, use fewer senders or have the limit raised (docs/quotas.md).",
	}
	errBusy = fault.Kind{
		Class: fault.Overloaded, Code: "ingest.busy",
		Meaning: "As many requests are held in memory as max_in_flight_bytes allows, or as many large ones are worked on as there are processors.",
		Advice:  "Retry; if it goes on, add instances or raise the limit.",
	}
)
