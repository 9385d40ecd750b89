package table

// nameIn is entry i of a table of names; empty beyond its end.
func nameIn(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return ""
}

// String names a column as section 5 of the specification does.
func (c Column) String() string {
	return nameIn([]string{
		ColTime: "time", ColPosition: "ingest position", ColOrdinal: "ordinal", ColResource: "resource", ColScope: "scope", ColDuration: "duration",
		ColKind: "kind", ColStatus: "status code", ColFlags: "flags", ColDroppedAttributes: "dropped attributes", ColDroppedEvents: "dropped events",
		ColDroppedLinks: "dropped links", ColObservedTime: "observed time", ColSeverity: "severity number", ColSeries: "series", ColStartTime: "start time",
		ColHas: "has", ColNumber: "number", ColCount: "count", ColSum: "sum", ColMin: "min", ColMax: "max", ColScale: "scale", ColZeroCount: "zero count",
		ColZeroThreshold: "zero threshold", ColPositiveOffset: "positive offset", ColNegativeOffset: "negative offset",
	}, int(c))
}

// String names a text column as section 5 of the specification does.
func (c TextColumn) String() string {
	return nameIn([]string{
		TextName: "name", TextStatusMessage: "status message", TextTraceState: "trace state", TextSeverity: "severity text", TextBody: "body",
		TextEventName: "event name", TextBounds: "explicit bounds", TextConnection: "connection",
	}, int(c))
}

// String names a list column as section 5 of the specification does.
func (c ListColumn) String() string {
	return nameIn([]string{
		ListBucketCounts: "bucket counts", ListPositiveCounts: "positive bucket counts", ListNegativeCounts: "negative bucket counts",
		ListQuantiles: "quantiles", ListQuantileValues: "quantile values",
	}, int(c))
}
