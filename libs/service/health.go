package service

import (
	"context"
	"sync"
)

// Check is one readiness check: nil means ready, an error says what is missing.
type Check func(ctx context.Context) error

// Health is a role's readiness: the sum of its checks.
type Health struct {
	mu     sync.Mutex
	names  []string
	checks map[string]Check
}

// NewHealth makes an empty Health, which is ready.
func NewHealth() *Health { return &Health{checks: map[string]Check{}} }

// Register adds or replaces a check.
func (h *Health) Register(name string, check Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.checks[name]; !ok {
		h.names = append(h.names, name)
	}
	h.checks[name] = check
}
