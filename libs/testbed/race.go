//go:build race

package testbed

// Slowdown is how many times longer code that computes takes in this build: 7 under the race detector, a prime so that Some meets every case of a cycle; else 1.
const Slowdown = 7
