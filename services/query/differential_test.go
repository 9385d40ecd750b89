package query

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/otlpjson"
)

// The differential test: random questions of every kind, each answered as somebody answers it who looks at all items, while the data goes through all levels that a janitor
// takes it to, and other data comes. OLLY_DIFFERENTIAL says how many questions there are, OLLY_DIFFERENTIAL_SEED which (make differential).

// fewQuestions is how many there are unless more are asked for, and usualSeed which.
const (
	fewQuestions = 300
	usualSeed    = 1
)

// setting is a number of the environment.
func setting(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err, name)
	return n
}

// lot is what lies together: of some requests, at one level.
type lot struct {
	signal    telemetry.Signal
	payloads  [][]byte
	positions []int64
	level     int
	ids       []uuid.UUID
	from, to  int64 // of its segments' times, Unix ns
}

// mover writes what comes, and merges it level by level, as a writer and a janitor do.
type mover struct {
	*fixture
	rnd  *rand.Rand
	lots []*lot
}

// write stores a request in segments of level 0.
func (m *mover) write(signal telemetry.Signal, payload []byte) {
	m.t.Helper()
	m.position++
	m.put([]*lot{{signal: signal, payloads: [][]byte{payload}, positions: []int64{m.position}, level: -1}}, segmentrow.LevelFlush)
}

// put makes one lot of several of a signal, at a higher level, in one transaction.
func (m *mover) put(of []*lot, level int) {
	m.t.Helper()
	next := &lot{signal: of[0].signal, level: level}
	was := of[0].level
	ctx := testbed.Context(m.t)
	tx, err := m.db.Pool.Begin(ctx)
	require.NoError(m.t, err)
	defer func() { _ = tx.Rollback(ctx) }()
	table := segment.NewTable("default", next.signal)
	for _, l := range of {
		for i, payload := range l.payloads {
			_, err := table.Append(payload, l.positions[i])
			require.NoError(m.t, err)
		}
		next.payloads, next.positions = append(next.payloads, l.payloads...), append(next.positions, l.positions...)
		if len(l.ids) > 0 {
			_, err := tx.Exec(ctx, fmt.Sprintf("DELETE FROM public.%s WHERE tenant_id = 'default' AND min_time BETWEEN $1 AND $2 AND segment_id = ANY($3)", schema.TablesOf(next.signal.String()).Segment),
				l.from, l.to, l.ids)
			require.NoError(m.t, err)
		}
	}
	m.nameServices(ctx, tx, table)
	size := 20 + m.rnd.IntN(60)
	common, apart := table.Slices(size), [][]uint32(nil)
	if level == segmentrow.LevelSettled {
		common, apart = table.SlicesApart(size)
	}
	hours, together := map[int64][]*segment.Segment{}, map[int64][]*segment.Segment{}
	encode := func(rows []uint32) (s *segment.Segment, hour int64) {
		s, err := table.Encode(rows, level)
		require.NoError(m.t, err)
		if len(hours) == 0 {
			next.from, next.to = s.MinTime, s.MinTime
		}
		next.from, next.to = min(next.from, s.MinTime), max(next.to, s.MinTime)
		hour = s.MinTime / time.Hour.Nanoseconds()
		hours[hour] = append(hours[hour], s)
		return s, hour
	}
	for _, rows := range common {
		s, hour := encode(rows)
		together[hour] = append(together[hour], s)
	}
	for _, list := range together {
		next.ids = append(next.ids, m.insert(ctx, tx, next.signal, list, level == segmentrow.LevelSettled && len(list) > 1)...)
	}
	for _, rows := range apart {
		s, _ := encode(rows)
		next.ids = append(next.ids, m.insert(ctx, tx, next.signal, []*segment.Segment{s}, false)...)
	}
	m.roll(ctx, tx, table, hours, func(k *rollup.Kind) bool {
		if k.Collect != nil { // what leaves level 0 is counted
			return was <= 0 && level > 0
		}
		return level == segmentrow.LevelSettled
	})
	require.NoError(m.t, tx.Commit(ctx))
	m.lots = append(slices.DeleteFunc(m.lots, func(l *lot) bool { return slices.Contains(of, l) }), next)
}

// step writes something that no question is about, or merges.
func (m *mover) step(n int) {
	signals := telemetry.Signals()
	signal := signals[n%len(signals)]
	if n%4 == 0 {
		m.write(signal, testbed.NewShop(uint64(n), base().Add(6*time.Hour)).Payload(signal, 20))
		return
	}
	level := m.rnd.IntN(segmentrow.LevelSettled)
	var of []*lot
	for _, l := range m.lots {
		if l.signal == signal && l.level == level && len(of) < 3 {
			of = append(of, l)
		}
	}
	if len(of) > 0 {
		m.put(of, level+1+m.rnd.IntN(segmentrow.LevelSettled-level))
	}
}

// question asks something at random, and compares the answer with what is right.
type question func(f *fixture, rnd *rand.Rand)

// whileMoving asks questions, some of each kind beside the others, until there were so many of each, while what is stored is moved.
func (m *mover) whileMoving(t *testing.T, n, seed int, kinds map[string]question) {
	t.Helper()
	var open atomic.Int32
	open.Store(int32(len(kinds)))
	t.Run("while it moves", func(t *testing.T) {
		for name, ask := range kinds {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				defer open.Add(-1)
				rnd := rand.New(rand.NewPCG(uint64(seed), uint64(len(name))))
				f := m.of(t)
				for range (n + len(kinds) - 1) / len(kinds) {
					ask(f, rnd)
				}
			})
		}
		t.Run("writers and merges", func(t *testing.T) {
			t.Parallel()
			on := *m
			on.fixture = m.of(t)
			for i := 0; open.Load() > 0 && i < n; i++ { // where nothing runs beside another, it ends
				on.step(i)
			}
		})
	})
}

// nested is a random filter made of others.
func nested(rnd *rand.Rand, filters []string, depth int) string {
	if n := rnd.IntN(6); depth > 0 && n < 3 {
		parts := []json.RawMessage{}
		for range 1 + rnd.IntN(3) {
			parts = append(parts, json.RawMessage(nested(rnd, filters, depth-1)))
		}
		return string(must(json.Marshal(map[string]any{[]string{"and", "or", "not"}[n]: parts})))
	}
	return filters[rnd.IntN(len(filters))]
}

// naiveFacet counts the values that items have of a field.
func naiveFacet(items []*naiveItem, field string) api.Facet {
	out := api.Facet{Field: field, Values: []api.AttributeValue{}, Items: int64(len(items))}
	at := map[string]int{}
	for _, it := range items {
		v, ok := it.first(field)
		if !ok {
			out.Missing++
			continue
		}
		key := string(must(json.Marshal(v)))
		n, known := at[key]
		if !known {
			n = len(out.Values)
			at[key] = n
			out.Values = append(out.Values, api.AttributeValue{Value: v})
		}
		out.Values[n].Count++
	}
	out.Distinct = len(out.Values)
	return out
}

// listOf is the list of a signal's items.
func listOf(signal telemetry.Signal) string {
	if signal == telemetry.Traces {
		return "spans"
	}
	return signal.String()
}

// Lists, figures and facets of plain items.
func TestPlainItemsAreAnsweredWhileTheyMove(t *testing.T) {
	t.Parallel()
	n, seed := setting(t, "OLLY_DIFFERENTIAL", fewQuestions)/3/testbed.Share(), setting(t, "OLLY_DIFFERENTIAL_SEED", usualSeed)
	t.Logf("%d questions, seed %d", n, seed)
	m := &mover{fixture: newFixture(t), rnd: rand.New(rand.NewPCG(uint64(seed), 1))}
	for i := range 8 {
		d := newDice(uint64(seed*100 + i))
		m.write(telemetry.Traces, testbed.TracesPayload(d.traces(60)))
		m.write(telemetry.Logs, testbed.LogsPayload(d.logs(60)))
		m.write(telemetry.Metrics, testbed.MetricsPayload(d.metrics(60)))
	}
	type known struct {
		items           []naiveItem
		fields, filters []string
		orders          map[string][]string // ids, by what a list is sorted by
	}
	of := map[telemetry.Signal]*known{}
	for _, signal := range telemetry.Signals() {
		k := &known{orders: map[string][]string{}}
		k.items, k.fields, k.filters = m.itemsOf(signal)
		require.Len(t, k.items, 480)
		for _, sort := range []string{"", `{"by":"time","order":"asc"}`, `{"by":"duration"}`} {
			if signal != telemetry.Traces && sort == `{"by":"duration"}` {
				continue
			}
			for _, item := range m.page(listOf(signal), searchBody{limit: 1000, sort: sort}).items {
				k.orders[sort] = append(k.orders[sort], identity(t, item))
			}
		}
		of[signal] = k
	}
	some := func(rnd *rand.Rand) (telemetry.Signal, *known) {
		signal := telemetry.Signals()[rnd.IntN(3)]
		return signal, of[signal]
	}
	// meets tells which items meet filters, by number.
	meets := func(t testing.TB, k *known, filters []string, from, to int64) (list []*naiveItem, ids map[string]bool) {
		t.Helper()
		ids = map[string]bool{}
		for i := range k.items {
			it := &k.items[i]
			if it.at >= from && it.at < to && !slices.ContainsFunc(filters, func(f string) bool { return !it.holds(t, json.RawMessage(f)) }) {
				list = append(list, it)
				ids[k.orders[""][i]] = true
			}
		}
		return list, ids
	}
	within := func(rnd *rand.Rand) (from, to int64) {
		switch rnd.IntN(3) {
		case 0:
			return base().Truncate(time.Hour).UnixNano(), base().Truncate(time.Hour).Add(time.Hour).UnixNano()
		case 1:
			return base().Add(-time.Hour).UnixNano(), base().Add(time.Hour).UnixNano()
		}
		from = base().UnixNano() + rnd.Int64N(int64(10*time.Minute))
		return from, from + 1 + rnd.Int64N(int64(10*time.Minute))
	}
	several := func(rnd *rand.Rand, k *known) (filters []string) {
		for range rnd.IntN(3) {
			filters = append(filters, nested(rnd, k.filters, 3))
		}
		return filters
	}
	m.whileMoving(t, n, seed, map[string]question{
		"figures": func(f *fixture, rnd *rand.Rand) {
			signal, k := some(rnd)
			a := randomFigures(rnd, signal, k.fields, k.filters)
			if rnd.IntN(2) == 0 {
				a.filters = several(rnd, k)
			}
			if rnd.IntN(3) == 0 {
				a.from, a.to = within(rnd)
			}
			got := f.aggregate(a)
			require.Nil(f.t, got.Incomplete)
			a.check(f.t.(*testing.T), k.items, &got)
		},
		"lists": func(f *fixture, rnd *rand.Rand) {
			signal, k := some(rnd)
			orders := slices.Sorted(maps.Keys(k.orders))
			s := searchBody{limit: 1 + rnd.IntN(200), sort: orders[rnd.IntN(len(orders))]}
			filters := several(rnd, k)
			from, to := within(rnd)
			s.from, s.to = time.Unix(0, from), time.Unix(0, to)
			raw := []json.RawMessage{}
			for _, one := range filters {
				raw = append(raw, json.RawMessage(one))
			}
			s.filters = string(must(json.Marshal(raw)))
			_, ids := meets(f.t, k, filters, from, to)
			var want []string
			for _, id := range k.orders[s.sort] {
				if ids[id] {
					want = append(want, id)
				}
			}
			got, _ := f.walk(listOf(signal), s, nil)
			require.Equal(f.t, want, got, "%s by %s, %s, %d a page", listOf(signal), s.filters, s.sort, s.limit)
		},
		"facets": func(f *fixture, rnd *rand.Rand) {
			signal, k := some(rnd)
			filters := several(rnd, k)
			from, to := within(rnd)
			list, _ := meets(f.t, k, filters, from, to)
			var fields []string
			for _, i := range rnd.Perm(len(k.fields))[:1+rnd.IntN(8)] {
				fields = append(fields, k.fields[i])
			}
			var want []api.Facet
			for _, field := range fields {
				want = append(want, naiveFacet(list, field))
			}
			raw := []json.RawMessage{}
			for _, one := range filters {
				raw = append(raw, json.RawMessage(one))
			}
			text := string(must(json.Marshal(raw)))
			got := f.facets(signal, from, to, fields, `,"limit":1000,"filters":`+text)
			require.Nil(f.t, got.Incomplete)
			f.sameFacets(want, got.Facets, text)
		},
	})
}

// Conditions on lists, maps and what lies within them, of lists and counts.
func TestStructuredItemsAreAnsweredWhileTheyMove(t *testing.T) {
	t.Parallel()
	n, seed := setting(t, "OLLY_DIFFERENTIAL", fewQuestions)/3/testbed.Share(), setting(t, "OLLY_DIFFERENTIAL_SEED", usualSeed)
	t.Logf("%d questions, seed %d", n, seed)
	m := &mover{fixture: newFixture(t), rnd: rand.New(rand.NewPCG(uint64(seed), 2))}
	for i := range 6 {
		for signal, payload := range wildPayloads(uint64(seed*100+i), 50) {
			m.write(telemetry.Signal(signal), payload)
		}
	}
	all := m.wildItems()
	ask := func(check func(f *fixture, signal telemetry.Signal, filter string, want []string)) question {
		return func(f *fixture, rnd *rand.Rand) {
			signal := telemetry.Signals()[rnd.IntN(3)]
			list := listOf(signal)
			w := newWild(rnd.Uint64())
			filter, holds := w.condition(wildFields()[list])
			if rnd.IntN(3) == 0 {
				other, also := w.condition(wildFields()[list])
				one := holds
				if rnd.IntN(2) == 0 {
					filter, holds = fmt.Sprintf(`{"or":[%s,%s]}`, filter, other), func(v []otlpjson.Value) bool { return one(v) || also(v) }
				} else {
					filter, holds = fmt.Sprintf(`{"and":[%s,{"not":[%s]}]}`, filter, other), func(v []otlpjson.Value) bool { return one(v) && !also(v) }
				}
			}
			var want []string
			for _, i := range all[list] {
				if holds([]otlpjson.Value{i.of}) {
					want = append(want, i.id)
				}
			}
			check(f, signal, filter, want)
		}
	}
	m.whileMoving(t, n, seed, map[string]question{
		"lists": ask(func(f *fixture, signal telemetry.Signal, filter string, want []string) {
			got, _ := f.walk(listOf(signal), searchBody{filters: "[" + filter + "]", limit: 150}, nil)
			require.Equal(f.t, want, got, "%s %s", signal, filter)
		}),
		"counts": ask(func(f *fixture, signal telemetry.Signal, filter string, want []string) {
			a := &aggregateBody{
				signal: signal, from: base().Add(-time.Hour).UnixNano(), to: base().Add(time.Hour).UnixNano(), filters: []string{filter}, limit: 1000,
				measures: []api.Measure{{Measure: "count"}}, groups: []string{"service"},
			}
			got := f.aggregate(a)
			require.Nil(f.t, got.Incomplete)
			require.EqualValues(f.t, len(want), got.Total.Items, "%s %s", signal, filter)
			groups := int64(0)
			for i := range got.Groups {
				groups += got.Groups[i].Items
			}
			require.Equal(f.t, got.Total.Items, groups)
		}),
	})
}

// Relations between spans, and figures of traces.
func TestTracesAreAnsweredWhileTheyMove(t *testing.T) {
	t.Parallel()
	n, seed := setting(t, "OLLY_DIFFERENTIAL", fewQuestions)/3/testbed.Share(), setting(t, "OLLY_DIFFERENTIAL_SEED", usualSeed)
	t.Logf("%d questions, seed %d", n, seed)
	m := &mover{fixture: newFixture(t), rnd: rand.New(rand.NewPCG(uint64(seed), 3))}
	for i := range 6 {
		m.write(telemetry.Traces, testbed.TracesPayload(families(uint64(seed*100+i), 25)))
	}
	ranges := [][2]time.Time{{base().Add(-8 * time.Hour), base().Add(2 * time.Hour)}, {base().Add(-4 * time.Hour), base().Add(-time.Hour)}}
	all := make([]family, len(ranges))
	for i, of := range ranges {
		all[i] = m.familyOf(searchBody{from: of[0], to: of[1], limit: 1000})
	}
	m.whileMoving(t, n, seed, map[string]question{
		"relations": func(f *fixture, rnd *rand.Rand) {
			i := rnd.IntN(len(ranges))
			var filters []json.RawMessage
			for range 1 + rnd.IntN(2) {
				filters = append(filters, json.RawMessage(relatedFilter(rnd, 3)))
			}
			filters = append(filters, json.RawMessage(`{"relation":"trace","filters":[`+relatedFilter(rnd, 2)+`]}`))
			spans, traces := all[i].lists(f.t.(*testing.T), filters)
			s := searchBody{from: ranges[i][0], to: ranges[i][1], filters: string(must(json.Marshal(filters)))}
			s.limit = max(1+rnd.IntN(100), len(spans)/3)
			got, _ := f.walk("spans", s, nil)
			require.Equal(f.t, spans, got, "spans by %s", s.filters)
			got, _ = f.walk("traces", s, nil)
			require.Equal(f.t, traces, got, "traces by %s", s.filters)
		},
		"figures of traces": func(f *fixture, rnd *rand.Rand) {
			a := randomTraceFigures(rnd, ranges[0][0].UnixNano(), ranges[0][1].UnixNano())
			got := f.aggregate(a)
			require.Nil(f.t, got.Incomplete)
			told := *a
			told.filters = nil
			told.check(f.t.(*testing.T), f.tracesOf(all[0].page, a), &got)
		},
	})
}
