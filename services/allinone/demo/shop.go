package demo

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"

	"go.opentelemetry.io/collector/pdata/pcommon"
)

// schemaURL names the version of the semantic conventions that the demo follows.
const schemaURL = "https://opentelemetry.io/schemas/1.37.0"

// program is one service of the shop: what it is written in decides the instrumentation that its telemetry names.
type program struct {
	name, version string
	language      string
	runtime       string
	runtimeVer    string
	sdkVersion    string
	httpScope     scope
	rpcScope      scope
	dbScope       scope
	replicas      int
	port          int
}

// scope is an instrumentation library.
type scope struct{ name, version string }

// pod is one running instance of a program; its resource is that of all its telemetry.
type pod struct {
	*program
	name     string
	address  string
	resource pcommon.Map
	meter    *meter
}

// logScope is the logger of a program.
func (p *program) logScope() scope { return scope{"com.example.shop." + p.name, p.version} }

// shop is everything that sends.
type shop struct {
	pods map[string][]*pod // by program name
	all  []*pod            // in a fixed order
	sent []message         // the last few, for consumers that read in batches
}

// earlier returns up to two messages that were sent before m, and remembers m.
func (s *shop) earlier(m message) []message {
	last := append([]message(nil), s.sent...)
	s.sent = append(s.sent, m)
	if len(s.sent) > 2 {
		s.sent = s.sent[1:]
	}
	return last
}

// pick chooses the replica that takes a call.
func (s *shop) pick(r *rand.Rand, name string) *pod {
	pods := s.pods[name]
	return pods[r.IntN(len(pods))]
}

func programs() []program {
	var (
		nodeHTTP  = scope{"@opentelemetry/instrumentation-http", "0.203.0"}
		nodeGRPC  = scope{"@opentelemetry/instrumentation-grpc", "0.203.0"}
		goHTTP    = scope{"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.63.0"}
		goGRPC    = scope{"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", "0.63.0"}
		goSQL     = scope{"github.com/XSAM/otelsql", "0.40.0"}
		javaHTTP  = scope{"io.opentelemetry.tomcat-10.0", "2.20.0-alpha"}
		javaGRPC  = scope{"io.opentelemetry.grpc-1.6", "2.20.0-alpha"}
		javaJDBC  = scope{"io.opentelemetry.jdbc", "2.20.0-alpha"}
		javaKafka = scope{"io.opentelemetry.kafka-clients-0.11", "2.20.0-alpha"}
		netHTTP   = scope{"Microsoft.AspNetCore", ""}
		netGRPC   = scope{"OpenTelemetry.Instrumentation.GrpcNetClient", "1.12.0-beta.1"}
		netRedis  = scope{"OpenTelemetry.Instrumentation.StackExchangeRedis", "1.12.0-beta.1"}
		pyHTTP    = scope{"opentelemetry.instrumentation.requests", "0.58b0"}
		pyGRPC    = scope{"opentelemetry.instrumentation.grpc", "0.58b0"}
	)
	return []program{
		{"load-generator", "1.4.0", "python", "cpython", "3.13.5", "1.37.0", pyHTTP, pyGRPC, scope{}, 1, 8089},
		{"frontend", "2.11.3", "nodejs", "nodejs", "22.18.0", "2.0.1", nodeHTTP, nodeGRPC, scope{}, 2, 8080},
		{"cart", "1.8.0", "dotnet", ".NET", "9.0.7", "1.12.0", netHTTP, netGRPC, netRedis, 2, 7070},
		{"checkout", "3.2.1", "go", "go", "go1.25.1", "1.38.0", goHTTP, goGRPC, goSQL, 2, 5050},
		{"product-catalog", "2.4.0", "go", "go", "go1.25.1", "1.38.0", goHTTP, goGRPC, goSQL, 2, 3550},
		{"payment", "1.15.2", "nodejs", "nodejs", "22.18.0", "2.0.1", nodeHTTP, nodeGRPC, scope{}, 1, 50051},
		{"shipping", "0.9.4", "rust", "rustc", "1.89.0", "0.30.0", scope{"actix-web-opentelemetry", "0.22.0"}, scope{"tonic", "0.13.1"}, scope{}, 1, 50052},
		{"quote", "0.7.0", "php", "php", "8.4.11", "1.7.0", scope{"io.opentelemetry.contrib.php.slim", "1.2.0"}, scope{}, scope{}, 1, 8090},
		{"email", "1.1.0", "ruby", "ruby", "3.4.5", "1.9.0", scope{"OpenTelemetry::Instrumentation::Sinatra", "0.26.0"}, scope{}, scope{}, 1, 6060},
		{"currency", "1.3.0", "cpp", "gcc", "14.2.0", "1.22.0", scope{}, scope{"currency", "1.3.0"}, scope{}, 1, 7001},
		{"recommendation", "2.0.5", "python", "cpython", "3.13.5", "1.37.0", pyHTTP, pyGRPC, scope{}, 1, 9001},
		{"ad", "1.6.2", "java", "OpenJDK Runtime Environment", "21.0.8+9", "1.54.0", javaHTTP, javaGRPC, scope{}, 1, 9555},
		{"inventory", "4.0.1", "java", "OpenJDK Runtime Environment", "21.0.8+9", "1.54.0", javaKafka, javaGRPC, javaJDBC, 2, 8085},
		{"accounting", "1.2.0", "dotnet", ".NET", "9.0.7", "1.12.0", scope{"Confluent.Kafka.Extensions", "0.4.0"}, netGRPC, scope{"Npgsql", "9.0.3"}, 1, 8086},
		{"fraud-detection", "0.5.1", "java", "OpenJDK Runtime Environment", "21.0.8+9", "1.54.0", javaKafka, javaGRPC, scope{}, 1, 8087},
	}
}

// newShop gives every pod its names and ids, all from r.
func newShop(r *rand.Rand) *shop {
	s := &shop{pods: map[string][]*pod{}}
	list := programs()
	for i := range list {
		p := &list[i]
		for range p.replicas {
			node := r.IntN(3)
			set, id := randomText(r, 9), randomText(r, 5)
			instance := &pod{
				program:  p,
				name:     fmt.Sprintf("%s-%s-%s", p.name, set, id),
				address:  fmt.Sprintf("10.42.%d.%d", node, 10+r.IntN(200)),
				resource: pcommon.NewMap(),
			}
			instance.meter = newMeter()
			describe(instance, r, node)
			s.pods[p.name] = append(s.pods[p.name], instance)
			s.all = append(s.all, instance)
		}
	}
	return s
}

func describe(p *pod, r *rand.Rand, node int) {
	m := p.resource
	put(m,
		"service.name", p.program.name,
		"service.namespace", "shop",
		"service.version", p.version,
		"service.instance.id", randomUUID(r),
		"deployment.environment.name", "demo",
		"telemetry.sdk.name", "opentelemetry",
		"telemetry.sdk.language", p.language,
		"telemetry.sdk.version", p.sdkVersion,
		"process.runtime.name", p.runtime,
		"process.runtime.version", p.runtimeVer,
		"process.pid", 1,
		"process.command_args", []any{"/app/" + p.program.name, "--port", strconv.Itoa(p.port)},
		"host.name", fmt.Sprintf("node-%d", node),
		"host.arch", []string{"amd64", "amd64", "arm64"}[node],
		"os.type", "linux",
		"container.id", randomHex(r, 32),
		"k8s.cluster.name", "shop-eu-1",
		"k8s.namespace.name", "shop",
		"k8s.node.name", fmt.Sprintf("node-%d", node),
		"k8s.deployment.name", p.program.name,
		"k8s.pod.name", p.name,
		"k8s.pod.uid", randomUUID(r),
		"k8s.pod.ip", p.address,
		"k8s.container.name", p.program.name,
		"k8s.container.restart_count", 0,
		"cloud.provider", "aws",
		"cloud.region", "eu-central-1",
		"cloud.availability_zone", fmt.Sprintf("eu-central-1%c", 'a'+node),
	)
}

// put adds pairs of name and value.
func put(m pcommon.Map, pairs ...any) {
	for i := 0; i+1 < len(pairs); i += 2 {
		setValue(m.PutEmpty(pairs[i].(string)), pairs[i+1])
	}
}

// setValue writes one of the types that the demo uses; another one is a mistake in this package.
func setValue(v pcommon.Value, value any) {
	switch x := value.(type) {
	case string:
		v.SetStr(x)
	case int:
		v.SetInt(int64(x))
	case int64:
		v.SetInt(x)
	case float64:
		v.SetDouble(x)
	case bool:
		v.SetBool(x)
	case []byte:
		v.SetEmptyBytes().FromRaw(x)
	case []any:
		list := v.SetEmptySlice()
		for _, item := range x {
			setValue(list.AppendEmpty(), item)
		}
	case fields:
		put(v.SetEmptyMap(), x...)
	default:
		panic(fmt.Sprintf("demo: no OTLP value for %T", value))
	}
}

// fields is a nested map in the order in which it was written.
type fields []any

func randomText(r *rand.Rand, n int) string {
	const letters = "bcdfghjklmnpqrstvwxz2456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[r.IntN(len(letters))]
	}
	return string(b)
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.UintN(256)) //nolint:gosec // below 256
	}
	return b
}

func randomHex(r *rand.Rand, n int) string { return hex.EncodeToString(randomBytes(r, n)) }

func randomUUID(r *rand.Rand) string {
	b := randomBytes(r, 16)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
