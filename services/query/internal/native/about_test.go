package native

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhereToSend(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ setting, host, want string }{
		{"http://:4318", "olly.example:8080", "http://olly.example:4318"},
		{"http://:4318", "olly.example", "http://olly.example:4318"},
		{"https://:4317", "[::1]:8080", "https://[::1]:4317"},
		{"http://:24318", "[::1]", "http://[::1]:24318"},
		{"https://otlp.example", "olly.example:8080", "https://otlp.example"},
		{"https://otlp.example:443/prefix", "127.0.0.1:8080", "https://otlp.example:443/prefix"},
	} {
		require.Equal(t, c.want, at(c.setting, c.host), c)
		require.NoError(t, OTLP{HTTPURL: c.setting, GRPCURL: c.setting}.Validate(), c)
	}
	require.NoError(t, DefaultOTLP().Validate())
	for _, wrong := range []string{"", "otlp.example:4318", "grpc://x:1", "http://", "http://user:secret@x", "http://x?y=z", "http://x#y", "http://x:port"} {
		err := OTLP{HTTPURL: wrong, GRPCURL: "http://:4317"}.Validate()
		require.ErrorContains(t, err, "http_url", wrong)
		require.NotContains(t, err.Error(), "grpc_url", wrong)
	}
}
