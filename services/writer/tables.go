package writer

import (
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
)

func segmentTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Segment }

func factTable(s telemetry.Signal) string { return schema.TablesOf(s.String()).Fact }
