package edges

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// edgesOf are the edges of some spans, added at once.
func edgesOf(t *testing.T, spans ...span) (out []string) {
	t.Helper()
	for i := range spans {
		if spans[i].start == 0 {
			spans[i].start, spans[i].length = day()+int64(time.Minute), 5
		}
	}
	c := New()
	c.Add(tableOf(t, spans), nil)
	list, err := c.Edges(t.Context(), day(), day()+int64(time.Hour))
	require.NoError(t, err)
	name := func(n Node) string {
		return [...]string{"", "db ", "mq ", "host ", "?", "page "}[n.Kind] + n.System + n.Name + "@" + n.Address + ":" + n.Port
	}
	for _, e := range list {
		out = append(out, fmt.Sprintf("%s > %s: %d", name(e.From), name(e.To), e.Requests))
	}
	return out
}

// TestWhatIsDoneWithAMessageDecidesWhichWayItGoes, whatever the kind of its span, by the names of all versions of the conventions.
func TestWhatIsDoneWithAMessageDecidesWhichWayItGoes(t *testing.T) {
	t.Parallel()
	kinds := []ptrace.SpanKind{
		ptrace.SpanKindUnspecified, ptrace.SpanKindInternal, ptrace.SpanKindServer, ptrace.SpanKindClient, ptrace.SpanKindProducer, ptrace.SpanKindConsumer,
	}
	for _, key := range []string{"messaging.operation.type", "messaging.operation", "messaging.operation.name"} {
		for operation, flow := range map[string]flow{
			"create": gives, "send": gives, "publish": gives, "Publish": gives, "receive": takes, "process": takes, "settle": takes, "deliver": takes, "RECEIVE": takes,
		} {
			for _, destination := range []string{"messaging.destination.name", "messaging.destination"} {
				for _, kind := range kinds {
					got := edgesOf(t, span{trace: 1, id: 1, parent: 9, service: "/a", kind: kind, attributes: map[string]string{
						"messaging.system": "kafka", destination: "orders", key: operation,
					}})
					want := "a@: > mq kafkaorders@:: 1"
					if flow == takes {
						want = "mq kafkaorders@: > a@:: 1"
					}
					require.Equal(t, []string{want}, got, "%s=%s, %v", key, operation, kind)
				}
			}
		}
	}
	// The type counts before an older name; what nobody knows leaves it to the kind.
	topic := func(more ...string) map[string]string {
		m := map[string]string{"messaging.system": "sqs", "messaging.destination.name": "q"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	require.Equal(t, []string{"mq sqsq@: > a@:: 1"}, edgesOf(t, span{trace: 1, id: 1, service: "/a", kind: ptrace.SpanKindClient, attributes: topic(
		"messaging.operation", "publish", "messaging.operation.type", "receive")}))
	require.Equal(t, []string{"a@: > mq sqsq@:: 1"}, edgesOf(t, span{trace: 1, id: 1, service: "/a", kind: ptrace.SpanKindClient, attributes: topic("messaging.operation.name", "x")}))
	require.Empty(t, edgesOf(t, span{trace: 1, id: 1, service: "/a", kind: ptrace.SpanKindInternal, attributes: topic()}))
	// Without a destination: what took it, from the system.
	require.Equal(t, []string{"mq rabbitmq@mq1: > a@:: 1"}, edgesOf(t, span{trace: 1, id: 1, parent: 3, service: "/a", kind: ptrace.SpanKindClient, attributes: map[string]string{
		"messaging.system": "rabbitmq", "server.address": "mq1", "messaging.operation.type": "receive",
	}}))
}

// TestLinksTieWhoSentToWhoTook, with a destination's name on either side, on both, or on none.
func TestLinksTieWhoSentToWhoTook(t *testing.T) {
	t.Parallel()
	topic := map[string]string{"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.type": "send"}
	system := map[string]string{"messaging.system": "kafka"}
	receive := map[string]string{"messaging.system": "kafka", "messaging.operation.type": "receive"}
	send := span{trace: 1, id: 1, service: "/shop", kind: ptrace.SpanKindProducer}
	take := span{trace: 2, id: 2, service: "/billing", kind: ptrace.SpanKindConsumer, links: [][2]uint64{{1, 1}}}
	with := func(s span, attributes map[string]string, kind ptrace.SpanKind) span {
		s.attributes, s.kind = attributes, kind
		return s
	}
	require.Equal(t, []string{"shop@: > billing@:: 1"}, edgesOf(t, send, take))
	require.Equal(t, []string{"shop@: > billing@:: 1"}, edgesOf(t, with(send, system, ptrace.SpanKindProducer), with(take, receive, ptrace.SpanKindClient)))
	require.Equal(t, []string{"shop@: > billing@:: 1"}, edgesOf(t, with(send, system, ptrace.SpanKindClient), with(take, receive, ptrace.SpanKindConsumer)))
	for _, kind := range []ptrace.SpanKind{ptrace.SpanKindProducer, ptrace.SpanKindClient} {
		require.Equal(t, []string{"shop@: > mq kafkaorders@:: 1", "mq kafkaorders@: > billing@:: 1"}, edgesOf(t, with(send, topic, kind), with(take, receive, ptrace.SpanKindClient)),
			"it took from where it was sent to")
	}
	// The span that was linked to is nowhere: the system is known, or it is told as a call of nobody knows whom.
	require.Equal(t, []string{"mq kafka@: > billing@:: 1"}, edgesOf(t, with(take, receive, ptrace.SpanKindClient)))
	require.Equal(t, []string{"?@: > billing@:: 1"}, edgesOf(t, take))
	// One that sent and named nothing sent to where those say who took it, whatever their span is and however many of them there are.
	taken := map[string]string{"messaging.system": "kafka", "messaging.destination.name": "orders", "messaging.operation.type": "process"}
	through := []string{"shop@: > mq kafkaorders@:: 1", "mq kafkaorders@: > billing@:: 1"}
	for _, attributes := range []map[string]string{nil, system, {"messaging.system": "kafka", "messaging.operation.type": "send"}} {
		for _, kind := range []ptrace.SpanKind{ptrace.SpanKindConsumer, ptrace.SpanKindClient, ptrace.SpanKindInternal} {
			require.Equal(t, through, edgesOf(t, with(send, attributes, ptrace.SpanKindProducer), with(take, taken, kind)))
		}
	}
	require.Equal(t, through, edgesOf(t, with(send, map[string]string{"messaging.system": "kafka", "messaging.operation.type": "send"}, ptrace.SpanKindClient),
		with(take, taken, ptrace.SpanKindConsumer)))
	child := with(take, taken, ptrace.SpanKindConsumer)
	child.trace, child.parent, child.links = send.trace, send.id, nil
	require.Equal(t, through, edgesOf(t, send, child), "by its parent, where it has no links")
	again := with(take, taken, ptrace.SpanKindConsumer)
	again.id = 3
	require.Equal(t, []string{"shop@: > mq kafkaorders@:: 1", "mq kafkaorders@: > billing@:: 2"}, edgesOf(t, send, with(take, taken, ptrace.SpanKindConsumer), again),
		"what is received and then processed was sent once")
	again.service, again.attributes = "/audit", nil
	require.Equal(t, []string{"shop@: > audit@:: 1", "shop@: > mq kafkaorders@:: 1", "mq kafkaorders@: > billing@:: 1"},
		edgesOf(t, with(send, system, ptrace.SpanKindProducer), with(take, taken, ptrace.SpanKindConsumer), again), "who names nothing has it from who sent it")
	require.Equal(t, []string{"shop@: > mq kafka@:: 1"}, edgesOf(t, with(send, system, ptrace.SpanKindProducer)), "nobody took it: the system is known")
	server := with(send, nil, ptrace.SpanKindServer)
	require.Equal(t, []string{"mq kafkaorders@: > billing@:: 1"}, edgesOf(t, server, with(take, taken, ptrace.SpanKindConsumer)), "which sends nothing")
	// A batch takes from each that sent, and links count before a parent, which is the loop that polls.
	batch := take
	batch.parent, batch.links = 7, [][2]uint64{{1, 1}, {3, 1}, {0, 0}}
	other := span{trace: 3, id: 1, service: "/web", kind: ptrace.SpanKindProducer}
	loop := span{trace: 2, id: 7, service: "/billing", kind: ptrace.SpanKindInternal}
	require.Equal(t, []string{"shop@: > billing@:: 1", "web@: > billing@:: 1"}, edgesOf(t, send, other, loop, batch))
	require.Equal(t, []string{"shop@: > mq kafkaorders@:: 1", "web@: > mq kafkaorders@:: 1", "mq kafkaorders@: > billing@:: 1"},
		edgesOf(t, send, other, loop, with(batch, taken, ptrace.SpanKindConsumer)))
	batch.links = nil
	for i := range uint64(100) {
		batch.links = append(batch.links, [2]uint64{i + 1000, 1})
	}
	require.Equal(t, []string{fmt.Sprintf("?@: > billing@:: %d", mostLinks)}, edgesOf(t, batch))
	// A job, and a server that began a trace of its own.
	for _, kind := range []ptrace.SpanKind{ptrace.SpanKindInternal, ptrace.SpanKindServer, ptrace.SpanKindUnspecified} {
		require.Equal(t, []string{"shop@: > billing@:: 1"}, edgesOf(t, send, with(take, nil, kind)))
	}
	inner := with(take, nil, ptrace.SpanKindInternal)
	inner.parent = 5
	require.Empty(t, edgesOf(t, send, inner), "it was begun by its parent")
}

// TestWhatCallsWhom: databases by where they are, callers and callees by their names, and pages, which nobody calls.
func TestWhatCallsWhom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       ptrace.SpanKind
		attributes map[string]string
		port       int
		browser    bool
		want       string
	}{
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"db.system": "mysql", "db.name": "shop", "net.peer.name": "m1"}, want: "a@: > db mysqlshop@m1:: 1"},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"db.system": "mysql", "db.name": "shop", "net.peer.name": "m2"}, port: 3306, want: "a@: > db mysqlshop@m2:: 1"},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"db.system": "mysql", "server.address": "m2"}, port: 3307, want: "a@: > db mysql@m2:3307: 1"},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"db.system.name": "redis", "db.namespace": "12", "peer.service": "cache"}, want: "a@: > db redis@cache:: 1"},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"db.system.name": "sqlite"}, port: 9, want: "a@: > db sqlite@:: 1"},
		{kind: ptrace.SpanKindInternal, attributes: map[string]string{"db.system": "h2", "db.name": "x"}, want: "a@: > db h2x@:: 1"},
		{kind: ptrace.SpanKindUnspecified, attributes: map[string]string{"peer.service": "legacy"}, want: "a@: > host legacy@:: 1"},
		{kind: ptrace.SpanKindServer, attributes: map[string]string{"peer.service": "gateway", "server.address": "me"}, want: "host gateway@: > a@:: 1"},
		{kind: ptrace.SpanKindServer, attributes: map[string]string{"server.address": "me", "db.system": "postgresql"}, want: ""},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"rpc.system": "grpc", "rpc.service": "shop.Cart"}, want: "a@: > host shop.Cart@:: 1"},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"rpc.service": "shop.Cart", "server.address": "cart"}, want: "a@: > host cart@:: 1"},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"gen_ai.system": "openai"}, want: "a@: > host openai@:: 1"},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"http.host": "[::1]:8080"}, want: "a@: > host ::1@:: 1"},
		{kind: ptrace.SpanKindClient, attributes: map[string]string{"url.full": "https://api.example/x"}, browser: true, want: "page a@: > host api.example@:: 1"},
		{kind: ptrace.SpanKindServer, browser: true, attributes: map[string]string{"peer.service": "x"}, want: "page a@: > host x@:: 1"},
		{kind: ptrace.SpanKindConsumer, browser: true, want: ""},
	} {
		got := edgesOf(t, span{trace: 1, id: 1, service: "/a", kind: c.kind, attributes: c.attributes, port: c.port, browser: c.browser})
		if c.want == "" {
			require.Empty(t, got, "%v", c)
		} else {
			require.Equal(t, []string{c.want}, got, "%v", c)
		}
	}
	// Whoever is named as the caller is not, once its span is there.
	require.Equal(t, []string{"front@: > a@:: 1"}, edgesOf(t,
		span{trace: 1, id: 1, service: "/front", kind: ptrace.SpanKindClient},
		span{trace: 1, id: 2, parent: 1, service: "/a", kind: ptrace.SpanKindServer, attributes: map[string]string{"peer.service": "gateway"}}))
}
