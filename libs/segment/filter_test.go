package segment

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// TestFiltersHoldEverything: whatever is in a segment is found by its filters, by the tokens that a query computes.
func TestFiltersHoldEverything(t *testing.T) {
	t.Parallel()
	for _, signal := range telemetry.Signals() {
		t.Run(signal.String(), func(t *testing.T) {
			table := NewTable("acme", signal)
			_, err := table.Append(newRandom(5).payload(t, signal, 400), 1)
			require.NoError(t, err)
			for _, rows := range table.Slices(100) {
				s, err := table.Encode(rows, 0)
				require.NoError(t, err)
				has := func(scope, key string, v Value) {
					require.True(t, MayContain(s.TokenFilter, Token(scope, key, v)), "%s %s %v", scope, key, v)
				}
				attrs := func(scope string, ids []ValueID) {
					for _, id := range ids {
						v := table.Values[id]
						has(scope, table.Keys[v.Key], v)
						if scope == ScopeItem {
							require.Equal(t, v.Hash, Token(scope, table.Keys[v.Key], v))
						}
					}
				}
				text := func(key string, raw []byte) {
					if len(raw) > 0 {
						has(ScopeField, key, Value{Type: String, Raw: raw})
					}
				}
				for _, row := range rows {
					i := int(row)
					var res Resource
					var scope Scope
					if signal == telemetry.Metrics {
						series := table.Series[table.Ints[ColSeries][i]]
						res, scope = table.Resources[series.Resource], table.Scopes[series.Scope]
						attrs(ScopeItem, series.Attributes)
						text("name", []byte(table.Metrics[series.Metric].Name))
						for j := table.Exemplars.Offsets[i]; j < table.Exemplars.Offsets[i+1]; j++ {
							if id := table.Exemplars.TraceIDs[j]; id != [16]byte{} {
								require.True(t, MayContain(s.TraceFilter, TraceHash(id)))
							}
						}
					} else {
						res, scope = table.Resources[table.Ints[ColResource][i]], table.Scopes[table.Ints[ColScope][i]]
						attrs(ScopeItem, table.Attributes.Row(i))
						if id := table.TraceIDs[i]; id != [16]byte{} {
							require.True(t, MayContain(s.TraceFilter, TraceHash(id)))
						}
					}
					attrs(ScopeResource, res.Attributes)
					attrs(ScopeScope, scope.Attributes)
					has(ScopeScope, "name", Value{Type: String, Raw: []byte(scope.Name)})
					has(ScopeScope, "version", Value{Type: String, Raw: []byte(scope.Version)})
					switch signal {
					case telemetry.Traces:
						text("name", table.Values[table.Texts[TextName][i]].Raw)
						text("status_message", table.Values[table.Texts[TextStatusMessage][i]].Raw)
						for j := table.Events.Offsets[i]; j < table.Events.Offsets[i+1]; j++ {
							text("events.name", table.Values[table.Events.Texts[TextName][j]].Raw)
							attrs(ScopeItem, table.Events.Attributes.Row(int(j)))
						}
					case telemetry.Logs:
						text("severity_text", table.Values[table.Texts[TextSeverity][i]].Raw)
						text("event_name", table.Values[table.Texts[TextEventName][i]].Raw)
						if body := table.Values[table.Texts[TextBody][i]]; body.Type == String {
							Words(body.Raw, func(w []byte) bool {
								has(ScopeWord, "body", Value{Type: String, Raw: w})
								return true
							})
						}
					case telemetry.Metrics:
					}
				}
			}
		})
	}
}

func TestTokensAreTyped(t *testing.T) {
	t.Parallel()
	num := Value{Type: Int, Num: 200}
	require.Equal(t, Token(ScopeItem, "code", num), Token(ScopeItem, "code", Value{Type: Int, Num: 200, Key: 7, Hash: 9}))
	seen := map[uint64]bool{}
	for _, scope := range []string{ScopeItem, ScopeResource, ScopeScope, ScopeField, ScopeWord} {
		for _, v := range []Value{
			num, {Type: Double, Num: 200}, {Type: Bool, Num: 1}, {Type: String, Raw: []byte("200")}, {Type: Bytes, Raw: []byte("200")}, {Type: Empty}, {Type: String},
		} {
			h := Token(scope, "code", v)
			require.False(t, seen[h])
			seen[h] = true
		}
	}
}

func TestWordsOfEachByte(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		b := byte(c)
		want := []byte(nil)
		switch {
		case b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b == '_' || b >= 0x80:
			want = []byte{b}
		case b >= 'A' && b <= 'Z':
			want = []byte{b + 'a' - 'A'}
		}
		require.Equal(t, want == nil, Separates(b), c)
		var got []byte
		Words([]byte{b}, func(w []byte) bool { got = slices.Clone(w); return true })
		require.Equal(t, want, got, c)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	words := func(s string) (out []string) {
		Words([]byte(s), func(w []byte) bool {
			out = append(out, string(w))
			return true
		})
		return out
	}
	require.Equal(t, []string{"failed", "to", "place", "order_12", "503", "größe"}, words("Failed to place ORDER_12: (503) [größe]"))
	require.Nil(t, words(" \x00.,- "))
	n := 0
	Words([]byte("a b c"), func([]byte) bool { n++; return n < 2 })
	require.Equal(t, 2, n)
}

// TestTheTokenFilterKnowsWhatLiesWithin: of lists and maps, leaves by the keys on the way to them, and the words of their text.
func TestTheTokenFilterKnowsWhatLiesWithin(t *testing.T) {
	t.Parallel()
	ld := plog.NewLogs()
	rl := ld.ResourceLogs().AppendEmpty()
	rl.Resource().Attributes().PutEmptyMap("host").PutStr("zone", "north")
	sl := rl.ScopeLogs().AppendEmpty()
	sl.Scope().Attributes().PutEmptyMap("build").PutInt("number", 7)
	l := sl.LogRecords().AppendEmpty()
	l.SetTimestamp(1)
	body := l.Body().SetEmptyMap()
	body.PutStr("message", "Order placed")
	body.PutEmptyMap("user").PutInt("id", 42)
	cart := l.Attributes().PutEmptySlice("cart")
	cart.AppendEmpty().SetStr("tea")
	cart.AppendEmpty().SetEmptyMap().PutEmptySlice("sku").AppendEmpty().SetBool(true)
	long := strings.Repeat("k", MaxTokenPath)
	l.Attributes().PutEmptyMap(long).PutStr("x", "too far")
	payload, err := (&plog.ProtoMarshaler{}).MarshalLogs(ld)
	require.NoError(t, err)
	table := NewTable("default", telemetry.Logs)
	_, err = table.Append(payload, 1)
	require.NoError(t, err)
	s := segments(t, table, 10, 2)[0]
	str := func(text string) Value { return Value{Type: String, Raw: []byte(text)} }
	for _, token := range []uint64{
		Token(ScopeResource, "host.zone", str("north")), Token(ScopeScope, "build.number", Value{Type: Int, Num: 7}),
		Token(ScopeField, "body.message", str("Order placed")), Token(ScopeField, "body.user.id", Value{Type: Int, Num: 42}),
		Token(ScopeItem, "cart", str("tea")), Token(ScopeItem, "cart.sku", Value{Type: Bool, Num: 1}),
		Token(ScopeWord, "body", str("message")), Token(ScopeWord, "body", str("order")), Token(ScopeWord, "body", str("42")),
	} {
		require.Contains(t, s.tokens, token)
	}
	require.NotContains(t, s.tokens, Token(ScopeItem, long+".x", str("too far")))
}

// TestGroup: a group says of each of its segments what a filter of its own says, but for the sizes of filters; never no where it was yes.
func TestGroup(t *testing.T) {
	t.Parallel()
	table := NewTable("acme", telemetry.Traces)
	_, err := table.Append(demoTraces(t, 1, 6000, true), 1)
	require.NoError(t, err)
	all := segments(t, table, 900, 2)
	var tokens, traces [][]uint64
	for _, s := range all {
		tokens, traces = append(tokens, s.tokens), append(traces, s.traces)
		require.NotEmpty(t, s.TokenFilter)
	}
	g := NewGroup(all)
	require.Len(t, g.TokenFilter, g.TokenBlocks*len(all)*32)
	require.Len(t, g.TraceFilter, g.TraceBlocks*len(all)*32)
	run := func(filter []byte, blocks int, hash uint64) []byte {
		high, _ := Probe(hash)
		at := int(uint64(high) * uint64(blocks) >> 32)
		return filter[at*len(all)*32 : (at+1)*len(all)*32]
	}
	for i := range all {
		require.Empty(t, all[i].TokenFilter)
		for _, h := range tokens[i] {
			require.True(t, MayContainAt(run(g.TokenFilter, g.TokenBlocks, h), i, h))
		}
		for _, h := range traces[i] {
			require.True(t, MayContainAt(run(g.TraceFilter, g.TraceBlocks, h), i, h))
		}
	}
	passed := 0
	for n := range uint64(10_000) {
		h := (n + 1) * 0x9e3779b97f4a7c15
		if MayContainAt(run(g.TokenFilter, g.TokenBlocks, h), int(n)%len(all), h) {
			passed++
		}
	}
	require.Less(t, passed, 200, "of 10,000 hashes that no segment has")
	require.True(t, MayContainAt(nil, 3, 1), "an empty group excludes nothing")
}
