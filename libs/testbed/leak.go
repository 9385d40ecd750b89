package testbed

import "go.uber.org/goleak"

// leaked says which goroutines are left.
func leaked() error { return goleak.Find() }
