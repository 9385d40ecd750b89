package telemetry

import "time"

// DefaultRetention is how long data of a signal is kept, in whole days, where nobody has said otherwise. It is the first rows of the table
// retention_policy, which a test holds against it, and how old an item may be that ingest takes.
func DefaultRetention(signal Signal) time.Duration {
	const day = 24 * time.Hour
	switch signal {
	case Traces:
		return 7 * day
	case Logs:
		return 3 * day
	case Metrics:
		return 30 * day
	}
	return 0
}
