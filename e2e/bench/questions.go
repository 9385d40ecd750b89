package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/pprof"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/query"
)

// sides are who is asked: query services, each in a process of its own, over HTTP, and PostgreSQL.
type sides struct {
	options      scanOptions
	machine      *machine
	filled       *filled
	conn         *pgx.Conn
	client       *http.Client
	build, other *querying // other: of another revision, over its own database; nil without one
	spans        []string  // leaves of the rows, newest first
	logs         []string
}

// querying is a running query service.
type querying struct {
	process  *process
	base     string // of its URLs
	profiler string // address of its profiler; "" for none
}

// queryMain is the process query: the role with a profiler beside it. After -- come the role's flags.
func queryMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("query", flag.ContinueOnError)
	flags.SetOutput(stderr)
	address := flags.String("profiler-address", "", "")
	if flags.Parse(args) != nil {
		return service.ExitUsage
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /profile", pprof.Profile)
	profiler := http.Server{Addr: *address, Handler: mux, ReadHeaderTimeout: time.Second}
	defer func() { _ = profiler.Close() }()
	go func() {
		if err := profiler.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(stderr, "profiler:", err)
		}
	}()
	return service.NewProgram("query", query.DefaultConfig(), query.New)(ctx, flags.Args(), stdout, stderr)
}

// startSides starts a query service over the database of this build and, where there is one, of the other revision over its own.
func (m *machine) startSides(ctx context.Context, o scanOptions, database, otherDatabase string, f *filled) (_ *sides, err error) {
	s := &sides{options: o, machine: m, filled: f}
	// The answers are large and the connection is this machine's: compressing them is no part of the comparison.
	s.client = &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.build, err = s.startQuery(ctx, "query", nil, database); err != nil {
		return nil, err
	}
	if o.other != nil {
		if s.other, err = s.startQuery(ctx, "query-other", o.other, otherDatabase); err != nil {
			return nil, fmt.Errorf("the query service of %s: %w", o.other.name, err)
		}
	}
	if s.conn, err = pgx.Connect(ctx, database); err != nil {
		return nil, err
	}
	if s.spans, err = leaves(ctx, s.conn, schema.SpansFact); err != nil {
		return nil, err
	}
	s.logs, err = leaves(ctx, s.conn, schema.LogsFact)
	return s, err
}

func (s *sides) startQuery(ctx context.Context, name string, r *revision, database string, more ...string) (*querying, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	q := &querying{base: "http://" + address}
	var command []string
	if r != nil {
		command = r.query
	} else {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		if q.profiler, err = freeAddress(ctx); err != nil {
			return nil, err
		}
		command = []string{self, "query", "--profiler-address", q.profiler, "--"}
	}
	args := slices.Concat(command[1:], []string{"--http-address", address, "--postgres-url", database, "--bus-url", s.machine.natsURL}, more)
	if q.process, err = s.machine.startCommand(ctx, name, command[0], args...); err != nil {
		return nil, err
	}
	if err := untilReady(ctx, s.client, q.base+"/health"); err != nil {
		q.process.stop()
		text, _ := os.ReadFile(q.process.log.Name())
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	return q, nil
}

// stop ends the query services.
func (s *sides) stop() {
	s.client.CloseIdleConnections()
	for _, q := range []*querying{s.build, s.other} {
		if q != nil {
			q.process.stop()
		}
	}
	if s.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = s.conn.Close(ctx)
	}
}

// answer is what one side says. items are made comparable with the other side's, sorted.
type answer struct {
	items                []string
	segmentsRead, pruned int
	bytes                int64
	body                 []byte // JSON of the query service, for read
	of                   func(*response) []string
}

// response is what the bench reads of an answer of the query service.
type response struct {
	Spans []struct {
		SpanID string `json:"span_id"`
		Start  string `json:"start_time_unix_nano"`
	}
	Logs []struct {
		Time string `json:"time_unix_nano"`
	}
	Services []struct {
		Name string
		Red  struct{ Requests, Errors int64 }
	}
	Operations []struct {
		Name string
		Kind int
		Red  struct{ Requests, Errors int64 }
	}
	Edges []struct {
		Source, Target string
		Red            struct{ Requests, Errors int64 }
	}
	Metrics []struct{ Metric struct{ Name string } }
	Series  json.RawMessage // of metrics a list, of cardinality a number
	Values  []struct {
		Field string // of comparisons
		Value struct {
			StringValue *string `json:"stringValue"`
			IntValue    *string `json:"intValue"`
		}
		Count int64
	}
	Items      int64
	Incomplete *struct{ Message string }
	// What figures, facets, comparisons and lists of search tell, one of each answer.
	Groups, Facets, Patterns, Lines, Keys, Rows []json.RawMessage
	Figures                                     *json.RawMessage `json:"total"`
	Traces                                      []struct {
		TraceID string `json:"trace_id"`
	}
	Stats struct {
		SegmentsRead   int   `json:"segments_read"`
		SegmentsPruned int   `json:"segments_pruned"`
		BytesRead      int64 `json:"bytes_read"`
	}
}

// read decodes the answer, outside of the time that is measured.
func (a *answer) read() error {
	if a.body == nil {
		return nil
	}
	var r response
	if err := json.Unmarshal(a.body, &r); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if r.Incomplete != nil {
		return &cutError{r.Incomplete.Message}
	}
	a.items, a.segmentsRead, a.pruned, a.bytes = a.of(&r), r.Stats.SegmentsRead, r.Stats.SegmentsPruned, r.Stats.BytesRead
	slices.Sort(a.items)
	a.body = nil
	return nil
}

// cutError is an answer that says that it is not whole.
type cutError struct{ why string }

func (c *cutError) Error() string { return "an incomplete answer: " + c.why }

// asked are a query service and what the questions are made of.
type asked struct {
	*sides
	base string
}

// ask sends a request to the query service and takes its whole answer.
func (s asked) ask(ctx context.Context, method, path string, body []byte, of func(*response) []string) (answer, error) {
	status, out, err := s.send(ctx, method, path, body)
	if err != nil {
		return answer{}, err
	}
	if status != http.StatusOK {
		return answer{}, &refusalError{method: method, path: path, status: status, said: out}
	}
	return answer{body: out, of: of}, nil
}

// refusalError is an answer that is none.
type refusalError struct {
	method, path string
	status       int
	said         []byte
}

func (r *refusalError) Error() string {
	return fmt.Sprintf("%s %s: %d %.500s", r.method, r.path, r.status, r.said)
}

// send sends a request and takes whatever comes.
func (s asked) send(ctx context.Context, method, path string, body []byte) (status int, out []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	out, err = io.ReadAll(resp.Body)
	return resp.StatusCode, out, err
}

// question is one line of the table. i numbers the run, so that a query with several parameters takes them in turn.
type question struct {
	name        string
	goal        time.Duration // warm, by one client; 0 for none
	parameters  int
	hits        func(n int) bool // nil: any number of results is right
	scansBodies bool
	segments    func(ctx context.Context, s asked, i int) (answer, error)
	rows        func(ctx context.Context, s *sides, i int) (answer, error)
}

func exactly(want int) func(int) bool { return func(n int) bool { return n == want } }

// newest is the size of the lists.
const newest = 50

// condition is one filter of a search.
type condition struct {
	Field    string `json:"field"`
	Operator string `json:"operator"`
	Value    any    `json:"value"`
}

func spansOf(r *response) []string {
	var out []string
	for i := range r.Spans {
		out = append(out, r.Spans[i].Start)
	}
	return out
}

func logsOf(r *response) []string {
	var out []string
	for i := range r.Logs {
		out = append(out, r.Logs[i].Time)
	}
	return out
}

// search asks for the newest 50 items that meet conditions, over all hours.
func search(list string, of func(*response) []string, conditions func(i int) []condition) func(context.Context, asked, int) (answer, error) {
	return func(ctx context.Context, s asked, i int) (answer, error) {
		body, err := json.Marshal(map[string]any{
			"time_range": map[string]any{"start_time": s.filled.from.Format(time.RFC3339Nano), "end_time": s.filled.to.Format(time.RFC3339Nano)},
			"filters":    conditions(i), "pagination": map[string]any{"limit": newest},
		})
		if err != nil {
			return answer{}, err
		}
		return s.ask(ctx, http.MethodPost, "/api/"+list+"/search", body, of)
	}
}

func always(list ...condition) func(int) []condition { return func(int) []condition { return list } }

// number writes a bigint's bits in decimal.
func number(bits uint64) string { return strconv.FormatInt(int64(bits), 10) }

// take reads whole rows and keeps one bigint column of each: the one that the other side's items are made of.
func take(rows pgx.Rows, column int, into []string) ([]string, error) {
	defer rows.Close()
	for rows.Next() {
		into = append(into, number(binary.BigEndian.Uint64(rows.RawValues()[column])))
	}
	return into, rows.Err()
}

// list asks the rows for the newest that meet a condition, in both forms: one statement over all, and hour by hour until there are
// enough. It goes on with the quicker one.
func list(table, key string, limit int, condition string, args func(i int) []any) func(context.Context, *sides, int) (answer, error) {
	statement := func(from string) string {
		return fmt.Sprintf("SELECT * FROM %s WHERE tenant_id = 'default' AND %s >= $1 AND %s < $2 AND %s ORDER BY %s DESC LIMIT $3", from, key, key, condition, key)
	}
	inOne := func(ctx context.Context, s *sides, i int) (answer, error) {
		rows, err := s.conn.Query(ctx, statement(table), append([]any{s.filled.from, s.filled.to, limit}, args(i)...)...)
		if err != nil {
			return answer{}, err
		}
		items, err := take(rows, 1, nil) // the time in nanoseconds
		return answer{items: items}, err
	}
	byHour := func(ctx context.Context, s *sides, i int) (answer, error) {
		var items []string
		of := s.spans
		if table == schema.LogsFact {
			of = s.logs
		}
		for _, leaf := range of {
			rows, err := s.conn.Query(ctx, statement(leaf), append([]any{s.filled.from, s.filled.to, limit - len(items)}, args(i)...)...)
			if err != nil {
				return answer{}, err
			}
			if items, err = take(rows, 1, items); err != nil {
				return answer{}, err
			}
			if len(items) == limit {
				break
			}
		}
		return answer{items: items}, nil
	}
	var chosen func(context.Context, *sides, int) (answer, error)
	return func(ctx context.Context, s *sides, i int) (answer, error) {
		if chosen == nil {
			best := time.Duration(1<<63 - 1)
			for _, form := range []func(context.Context, *sides, int) (answer, error){inOne, byHour, inOne, byHour, inOne, byHour} {
				began := time.Now()
				if _, err := form(ctx, s, i); err != nil {
					return answer{}, err
				}
				if took := time.Since(began); took < best {
					best, chosen = took, form
				}
			}
		}
		a, err := chosen(ctx, s, i)
		slices.Sort(a.items)
		return a, err
	}
}

func arguments(list ...any) func(int) []any { return func(int) []any { return list } }

// byTrace asks the rows for a trace.
func byTrace(f *filled, hint time.Duration) func(context.Context, *sides, int) (answer, error) {
	return func(ctx context.Context, s *sides, i int) (answer, error) {
		t := f.traces[i%len(f.traces)]
		id, err := uuid.Parse(t.id)
		if err != nil {
			return answer{}, err
		}
		sql, args := "SELECT * FROM spans_fact WHERE tenant_id = 'default' AND trace_id = $1", []any{id}
		if hint > 0 {
			sql, args = sql+" AND start_time >= $2 AND start_time < $3", append(args, t.at.Add(-hint), t.at.Add(hint))
		}
		rows, err := s.conn.Query(ctx, sql, args...)
		if err != nil {
			return answer{}, err
		}
		items, err := take(rows, 4, nil)
		slices.Sort(items)
		return answer{items: items}, err
	}
}

func trace(f *filled, hint time.Duration) func(context.Context, asked, int) (answer, error) {
	return func(ctx context.Context, s asked, i int) (answer, error) {
		t := f.traces[i%len(f.traces)]
		path := "/api/traces/" + t.id
		if hint > 0 {
			path += "?" + url.Values{
				"start_time": {t.at.Add(-hint).Format(time.RFC3339Nano)}, "end_time": {t.at.Add(hint).Format(time.RFC3339Nano)},
			}.Encode()
		}
		return s.ask(ctx, http.MethodGet, path, nil, func(r *response) []string {
			var out []string
			for i := range r.Spans {
				id, _ := strconv.ParseUint(r.Spans[i].SpanID, 16, 64)
				out = append(out, number(id))
			}
			return out
		})
	}
}

// red asks for requests, errors and durations by service in the middle hour.
func red(f *filled) (segments func(context.Context, asked, int) (answer, error), rows func(context.Context, *sides, int) (answer, error)) {
	from := f.from.Add(hours / 2 * time.Hour)
	to := from.Add(time.Hour)
	segments = func(ctx context.Context, s asked, _ int) (answer, error) {
		path := "/api/services?" + url.Values{"start_time": {from.Format(time.RFC3339Nano)}, "end_time": {to.Format(time.RFC3339Nano)}}.Encode()
		return s.ask(ctx, http.MethodGet, path, nil, func(r *response) []string {
			var out []string
			for _, svc := range r.Services {
				out = append(out, fmt.Sprintf("%s %d %d", svc.Name, svc.Red.Requests, svc.Red.Errors))
			}
			return out
		})
	}
	// A histogram of the durations with 64 buckets to a power of two, as the query service makes it; percentiles come out of it.
	const sql = `SELECT d.name, (kind IN (2, 5)) AS entry, (status_code = 2) AS failed, bucket, n FROM (
		SELECT service_id, kind, status_code, (64 * ln(greatest(duration_nano, 1)::float8) / ln(2::float8))::int AS bucket, count(*) AS n
		FROM spans_fact WHERE tenant_id = 'default' AND start_time >= $1 AND start_time < $2 GROUP BY 1, 2, 3, 4
	) AS s JOIN service_dim AS d USING (service_id) WHERE d.tenant_id = 'default'`
	rows = func(ctx context.Context, s *sides, _ int) (answer, error) {
		type sum struct{ requests, errors [2]int64 } // of entry spans, of all
		sums := map[string]*sum{}
		rows, err := s.conn.Query(ctx, sql, from, to)
		if err != nil {
			return answer{}, err
		}
		var name string
		var entry, failed bool
		var bucket, n int64
		_, err = pgx.ForEachRow(rows, []any{&name, &entry, &failed, &bucket, &n}, func() error {
			if sums[name] == nil {
				sums[name] = &sum{}
			}
			for i, counted := range []bool{entry, true} {
				if counted {
					sums[name].requests[i] += n
					if failed {
						sums[name].errors[i] += n
					}
				}
			}
			return nil
		})
		var a answer
		for _, name := range slices.Sorted(maps.Keys(sums)) {
			i := 0
			if sums[name].requests[0] == 0 {
				i = 1
			}
			a.items = append(a.items, fmt.Sprintf("%s %d %d", name, sums[name].requests[i], sums[name].errors[i]))
		}
		slices.Sort(a.items)
		return a, err
	}
	return segments, rows
}

// countByAttribute asks how many spans have which value of an attribute of a scope, and how many lack it. Rows are counted by statement, which
// has the first and last time as $1 and $2.
func countByAttribute(scope, key, statement string) (segments func(context.Context, asked, int) (answer, error), rows func(context.Context, *sides, int) (answer, error)) {
	segments = func(ctx context.Context, s asked, _ int) (answer, error) {
		path := "/api/attributes/" + key + "/values?" + url.Values{
			"start_time": {s.filled.from.Format(time.RFC3339Nano)}, "end_time": {s.filled.to.Format(time.RFC3339Nano)}, "limit": {"1000"}, "scope": {scope},
		}.Encode()
		return s.ask(ctx, http.MethodGet, path, nil, func(r *response) []string {
			var out []string
			without := r.Items
			for _, v := range r.Values {
				without -= v.Count
				switch {
				case v.Value.StringValue != nil:
					out = append(out, fmt.Sprintf("%s %d", *v.Value.StringValue, v.Count))
				case v.Value.IntValue != nil:
					out = append(out, fmt.Sprintf("%s %d", *v.Value.IntValue, v.Count))
				}
			}
			if without > 0 {
				out = append(out, fmt.Sprintf(" %d", without))
			}
			return out
		})
	}
	rows = func(ctx context.Context, s *sides, _ int) (answer, error) {
		rows, err := s.conn.Query(ctx, statement, s.filled.from, s.filled.to)
		if err != nil {
			return answer{}, err
		}
		var a answer
		var value string
		var n int64
		_, err = pgx.ForEachRow(rows, []any{&value, &n}, func() error {
			a.items = append(a.items, fmt.Sprintf("%s %d", value, n))
			return nil
		})
		slices.Sort(a.items)
		return a, err
	}
	return segments, rows
}

// queries are the lines of the table.
func queries(f *filled) []question {
	const (
		ofService = "service_id = (SELECT service_id FROM service_dim WHERE tenant_id = 'default' AND name = $4)"
		contains  = "attributes @> $4"
		hint      = 30 * time.Minute
	)
	attribute := func(key, value string) condition { return condition{"attributes." + key, "eq", value} }
	object := func(key, value string) string { return fmt.Sprintf(`{%q: %q}`, key, value) }
	users := func(i int) string { return fmt.Sprintf("user-%04d", (i*617+42)%5000) }
	spans := func(name string, hits func(int) bool, filter func(int) []condition, where string, args func(int) []any) question {
		return question{name: name, hits: hits, segments: search("spans", spansOf, filter), rows: list(schema.SpansFact, "start_time", newest, where, args)}
	}
	logs := func(name string, hits func(int) bool, filter func(int) []condition, where string, args func(int) []any) question {
		return question{name: name, hits: hits, segments: search("logs", logsOf, filter), rows: list(schema.LogsFact, "time", newest, where, args)}
	}
	some := func(n int) bool { return n > 0 }
	redSegments, redRows := red(f)
	const inRange = "tenant_id = 'default' AND start_time >= $1 AND start_time < $2"
	countAttribute := func(key string) string {
		return "SELECT coalesce(attributes->>'" + key + "', ''), count(*) FROM spans_fact WHERE " + inRange + " GROUP BY 1"
	}
	countSegments, countRows := countByAttribute("attributes", "http.response.status_code", countAttribute("http.response.status_code"))
	routeSegments, routeRows := countByAttribute("attributes", "http.route", countAttribute("http.route"))
	serviceSegments, serviceRows := countByAttribute("resource", "service.name", `SELECT d.name, sum(n)::bigint FROM (
		SELECT service_id, count(*) AS n FROM spans_fact WHERE `+inRange+` GROUP BY 1) AS s JOIN service_dim AS d USING (service_id)
		WHERE d.tenant_id = 'default' GROUP BY 1`)
	user := spans("user_attribute_newest", nil, func(i int) []condition { return []condition{attribute("app.user.id", users(i))} },
		contains, func(i int) []any { return []any{object("app.user.id", users(i))} })
	user.parameters = 5
	part := logs("log_substring_all", exactly(rareRecords), always(condition{"body", "contains", rarePart}), "body LIKE $4", arguments("%"+rarePart+"%"))
	part.scansBodies = true
	return []question{
		{name: "trace_by_id_blind", parameters: len(f.traces), hits: some, segments: trace(f, 0), rows: byTrace(f, 0)},
		{name: "trace_by_id_hint", parameters: len(f.traces), hits: some, segments: trace(f, hint), rows: byTrace(f, hint)},
		spans("service_newest", exactly(newest), always(condition{"service", "eq", "payment"}), ofService, arguments("payment")),
		spans("service_error_slow", exactly(slowSpans), always(condition{"service", "eq", slowService}, condition{"status", "eq", "error"},
			condition{"duration", "gt", slowFrom.Nanoseconds()}), ofService+" AND status_code = 2 AND duration_nano > $5", arguments(slowService, slowFrom.Nanoseconds())),
		spans("rare_attribute", exactly(rareSpans), always(attribute(rareKey, rareValue)), contains, arguments(object(rareKey, rareValue))),
		user,
		spans("absent_attribute", exactly(0), always(attribute("app.user.id", "nobody")), contains, arguments(object("app.user.id", "nobody"))),
		spans("common_attribute_newest", exactly(newest), always(attribute("http.route", "/api/cart/get")), contains, arguments(object("http.route", "/api/cart/get"))),
		{name: "count_by_attribute", hits: some, segments: countSegments, rows: countRows},
		{name: "count_by_route", hits: some, segments: routeSegments, rows: routeRows},
		{name: "count_by_service", hits: some, segments: serviceSegments, rows: serviceRows},
		{name: "red_one_hour", hits: some, segments: redSegments, rows: redRows},
		part,
		logs("log_substring_newest", exactly(newest), always(condition{"body", "contains", "did not ans"}), "body LIKE $4", arguments("%did not ans%")),
		logs("log_regex_all", exactly(rareRecords), always(condition{"body", "regex", rareExpression}), "body ~ $4", arguments(rareExpression)),
		logs("log_rare_word", exactly(rareRecords), always(condition{"body", "contains", " " + rareWord + " "}), "body LIKE $4", arguments("% "+rareWord+" %")),
	}
}
