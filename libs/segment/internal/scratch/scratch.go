// Package scratch lends memory that a layer keeps between calls. The layer that fills a slice owns it, and its comment says until when
// what is in it is valid; nobody else holds on to it.
package scratch

// Slice returns a slice of n elements, in the memory of s where that suffices. What they hold is undefined.
func Slice[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4) // a quarter more: lists of successive segments differ in length by little
	}
	return s[:n]
}
