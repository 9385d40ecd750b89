package allinone

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/services/ingest"
	"github.com/ollyscale/ollyscale/services/query"
)

// What a sender is told is what this process listens to, with TLS where it wants that, unless somebody has said otherwise.
func TestEndpointsAreToldAsTheyAre(t *testing.T) {
	t.Parallel()
	in := ingest.DefaultConfig()
	in.HTTP.Address, in.GRPC.Address = "127.0.0.1:14318", "0.0.0.0:14317"
	q := query.DefaultConfig()
	tellEndpoints(&q, in)
	require.Equal(t, "http://127.0.0.1:14318", q.OTLP.HTTPURL)
	require.Equal(t, "http://:14317", q.OTLP.GRPCURL, "by the host that one asks by")

	in.GRPC.TLSCertFile = "cert.pem"
	q = query.DefaultConfig()
	q.OTLP.HTTPURL = "https://otlp.example"
	tellEndpoints(&q, in)
	require.Equal(t, "https://otlp.example", q.OTLP.HTTPURL)
	require.Equal(t, "https://:14317", q.OTLP.GRPCURL)
}
