//go:build !race

package testbed

// Slowdown is how many times longer code that computes takes in this build: 7 under the race detector, else 1.
const Slowdown = 1
