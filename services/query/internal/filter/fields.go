package filter

import (
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Kind says what the values of a field are, and so which operators it takes. Each has a file with what conditions on it do.
type Kind uint16

// The kinds.
const (
	Text      Kind = 1 << iota // strings
	Attribute                  // values of any type, under a key
	Body                       // a log record's body, a value of any type
	Duration                   // lengths of time
	Time                       // instants
	Enum                       // names for numbers
	ID                         // hex digits
	Boolean                    // true or false
)

// Sets of kinds, for operators.
const (
	texts      = Text | Attribute | Body
	ordered    = texts | Duration | Time | Enum
	everything = ordered | ID | Boolean
)

// Kinds are all of them.
func Kinds() []Kind { return []Kind{Text, Attribute, Body, Duration, Time, Enum, ID, Boolean} }

// String is the kind's name in answers of the API.
func (k Kind) String() string {
	names := []string{"text", "attribute", "body", "duration", "time", "enum", "id", "boolean"}
	return names[slices.Index(Kinds(), k)]
}

// Field is a row of the table: all that a new field is, if it is of a kind that there is.
type Field struct {
	Name        string
	Prefix      bool // Name begins the names of many fields, one for each key that follows
	Kind        Kind
	Signals     []telemetry.Signal
	Values      []string // enums: the names, which stand for numbers
	Unit        string   // of numbers
	Description string
	AliasOf     []string // an alias stands for these fields, of which one must meet what is asked; it has nothing of its own but what it is called

	of      func(key string) matching // the key is "" unless Prefix
	values  func(key string) Column   // nil: nothing is grouped by it
	shows   func(key string) Column   // of what nothing is grouped by: how it is shown
	numbers Numbers                   // of what has numbers and no values to group by
}

// Of reports whether a signal's items have the field.
func (f *Field) Of(signal telemetry.Signal) bool { return slices.Contains(f.Signals, signal) }

// Operators are the names of the operators that a field takes, of those in the table.
func (f *Field) Operators(table []Operator) []string {
	var names []string
	for i := range table {
		if _, positive, _ := operatorOf(table, table[i].Name); positive.On&f.Kind != 0 {
			names = append(names, table[i].Name)
		}
	}
	return names
}

// Fields is the table, the most wanted of each signal first, and names before prefixes that they begin with.
func Fields() []Field {
	all := telemetry.Signals()
	spans, logs, points := []telemetry.Signal{telemetry.Traces}, []telemetry.Signal{telemetry.Logs}, []telemetry.Signal{telemetry.Metrics}
	items := []telemetry.Signal{telemetry.Traces, telemetry.Logs}
	return []Field{
		{Name: "service", Kind: Text, Signals: all, of: serviceName(), values: ofService(func(name, _ string) string { return name }), Description: "The service's name; unknown_service where its resource names none."},
		{Name: "namespace", Kind: Text, Signals: all, of: serviceNamespace(), values: ofService(func(_, namespace string) string { return namespace }), Description: "The service's namespace."},
		{Name: "name", Kind: Text, Signals: spans, of: textOf(segment.TextName, "name"), values: ofText(segment.TextName), Description: "The span's name."},
		spanKinds().field(Field{Name: "kind", values: spanKinds().values(segment.ColKind, false), Signals: spans, Description: "The span's kind."}, numbersOf(segment.ColKind)),
		statuses().field(Field{Name: "status", values: statuses().values(segment.ColStatus, false), Signals: spans, Description: "The span's status."}, statusColumn),
		{Name: "status_message", Kind: Text, Signals: spans, of: textOf(segment.TextStatusMessage, "status_message"), values: ofText(segment.TextStatusMessage), Description: "What the status says."},
		{Name: "duration", Kind: Duration, Signals: spans, Unit: "ns", of: spanDuration(), numbers: durations{}, shows: ofDuration, Description: `How long the span took: nanoseconds, or a length like "1.5s". A span that ended before it started, or in no time that there is, has none.`},
		{Name: "root", Kind: Boolean, Signals: spans, of: root(), values: ofRoot, Description: "Whether the span has no parent."},
		{Name: "trace_state", Kind: Text, Signals: spans, of: textOf(segment.TextTraceState, ""), values: ofText(segment.TextTraceState), Description: "The W3C tracestate."},
		{Name: "body", Kind: Body, Signals: logs, of: body(), values: ofText(segment.TextBody), Description: "The log record's body."},
		{Name: "body.", Prefix: true, Kind: Attribute, Signals: logs, of: bodyPath, values: ofText(segment.TextBody), Description: "A value within a body that is a map, by its key, or by the keys on the way to it with dots between."},
		severities().field(Field{Name: "severity", values: severities().values(segment.ColSeverity, true), Signals: logs, Description: "The severity number, 1 to 24, of a record without one that which its text stands for; a name stands for its four numbers."}, severityColumn),
		{Name: "severity_text", Kind: Text, Signals: logs, of: textOf(segment.TextSeverity, "severity_text"), values: ofText(segment.TextSeverity), Description: "The severity as its sender calls it."},
		{Name: "event_name", Kind: Text, Signals: logs, of: textOf(segment.TextEventName, "event_name"), values: ofText(segment.TextEventName), Description: "The name of the event that the record is."},
		{Name: "name", Kind: Text, Signals: points, of: metricName(), values: ofMetrics(func(m *segment.Metric) (segment.Value, bool) { return given(m.Name) }), Description: "The metric's name."},
		metricTypes().field(Field{Name: "type", values: ofMetrics(typeOfMetric), Signals: points, Description: "The metric's type."}, seriesType),
		{Name: "unit", Kind: Text, Signals: points, of: metricUnit(), values: ofMetrics(func(m *segment.Metric) (segment.Value, bool) { return given(m.Unit) }), Description: "The metric's unit."},
		{Name: "time", Kind: Time, Signals: all, Unit: "ns", of: timeOf(segment.ColTime), shows: ofTime, Description: "A span's start, a record's time, a point's time: RFC 3339 or Unix nanoseconds."},
		{Name: "operation", Kind: Text, Signals: spans, AliasOf: []string{"name"}, Description: "What the service did: the span's name."},
		{
			Name: "environment", Kind: Attribute, Signals: all, AliasOf: []string{"resource.deployment.environment.name", "resource.deployment.environment"},
			Description: "The deployment's environment, by the key of today's conventions or the older one.",
		},
		{Name: "version", Kind: Attribute, Signals: all, AliasOf: []string{"resource.service.version"}, Description: "The service's version."},
		{Name: "instance", Kind: Attribute, Signals: all, AliasOf: []string{"resource.service.instance.id"}, Description: "The id of the service's instance."},
		{Name: "trace_id", Kind: ID, Signals: items, of: traceID(), values: ofTrace, Description: "32 hex digits, or 16 of a short id, whose first half is zeros."},
		{Name: "span_id", Kind: ID, Signals: items, of: spanID(), shows: ofSpanID, Description: "16 hex digits."},
		{Name: "parent_span_id", Kind: ID, Signals: spans, of: parentID(), shows: ofParentID, Description: "16 hex digits; a root has none."},
		{Name: "connection", Kind: Text, Signals: all, of: textOf(segment.TextConnection, "connection"), values: ofText(segment.TextConnection), Description: "The id of the key that the item was sent with; without authentication there is none, nor of what was stored before keys were kept with items."},
		{Name: "tenant", Kind: Text, Signals: all, of: tenantName(), values: ofTenant, Description: "The tenant whose the item is: that of the question."},
		{Name: "scope.name", Kind: Text, Signals: all, of: scopeName(), values: ofScopeText(func(s *segment.Scope) string { return s.Name }, func(s *segment.Scopes) [][]byte { return s.Names }), Description: "The instrumentation scope's own name."},
		{Name: "scope.version", Kind: Text, Signals: all, of: scopeVersion(), values: ofScopeText(func(s *segment.Scope) string { return s.Version }, func(s *segment.Scopes) [][]byte { return s.Versions }), Description: "The instrumentation scope's own version."},
		{Name: "attributes.", Prefix: true, Kind: Attribute, Signals: all, of: itemAttribute, values: ofAttribute, Description: "An attribute of the span, the log record, or the point's series, by its key; of what lies within a map, by the keys on the way to it with dots between."},
		{Name: "resource.", Prefix: true, Kind: Attribute, Signals: all, of: resourceAttribute, values: ofResource, Description: "An attribute of the resource, by its key."},
		{Name: "scope.", Prefix: true, Kind: Attribute, Signals: all, of: scopeAttribute, values: ofScope, Description: "An attribute of the instrumentation scope, by its key."},
	}
}

// resolve finds the first row for a field's name and a signal; key is what follows a prefix.
func resolve(table []Field, signal telemetry.Signal, name string) (f *Field, key string, ok bool) {
	for i := range table {
		f := &table[i]
		if !f.Of(signal) {
			continue
		}
		if !f.Prefix {
			if f.Name == name {
				return f, "", true
			}
		} else if key, ok := strings.CutPrefix(name, f.Name); ok && key != "" {
			return f, key, true
		}
	}
	return nil, "", false
}
