package native

import (
	"encoding/hex"
	"strconv"

	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/trace"
)

// traceSummary renders what a trace comes to.
func traceSummary(s *trace.Summary) api.TraceSummary {
	out := api.TraceSummary{
		TraceID:             hex.EncodeToString(s.ID[:]),
		StartTimeUnixNano:   nanos(s.Start),
		EndTimeUnixNano:     nanos(s.End),
		DurationNano:        strconv.FormatInt(s.End-s.Start, 10),
		SpanCount:           s.Spans,
		ErrorCount:          s.Errors,
		Services:            make([]api.ServiceCount, len(s.Services)),
		MatchedTimeUnixNano: nanos(s.Time),
		RootMissing:         s.RootMissing,
		Partial:             s.Cut,
		Root: api.RootSpan{
			SpanID: hex.EncodeToString(s.Root.ID[:]), Name: s.Root.Name, ServiceName: s.Root.Service, Kind: s.Root.Kind,
			Status: api.Status{Code: s.Root.Status, Message: s.Root.StatusMessage}, Attributes: s.Root.Attributes, Fields: s.Root.Fields,
		},
	}
	if s.OrphansKnown {
		out.OrphanCount = &s.Orphans
	}
	for i, service := range s.Services {
		out.Services[i] = api.ServiceCount{Name: service.Name, Namespace: service.Namespace, SpanCount: service.Spans, ErrorCount: service.Errors}
	}
	return out
}
