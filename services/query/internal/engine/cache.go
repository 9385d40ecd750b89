package engine

import (
	linked "container/list"
	"sync"
)

// The memory of headers, and of what was counted of segments. Invariant: what is remembered takes at most limit bytes, by the sizes that were given.

// cache remembers the most recently used, up to a number of bytes.
type cache[K comparable, V any] struct {
	mu      sync.Mutex
	limit   int64
	used    int64
	entries map[K]*linked.Element
	order   *linked.List // of *cached, most recently used first
}

type cached[K comparable, V any] struct {
	key  K
	v    V
	size int64
}

func newCache[K comparable, V any](limit int64) *cache[K, V] {
	return &cache[K, V]{limit: limit, entries: map[K]*linked.Element{}, order: linked.New()}
}

func (c *cache[K, V]) get(k K) (v V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok {
		return v, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached[K, V]).v, true
}

// put remembers v, which takes size bytes, and forgets what was not asked for longest.
func (c *cache[K, V]) put(k K, v V, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.entries[k]; ok || size > c.limit {
		return
	}
	c.add(k, v, size)
}

// replace is put for what has changed: what was remembered under k is forgotten.
func (c *cache[K, V]) replace(k K, v V, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[k]; ok {
		c.remove(e)
	}
	if size <= c.limit {
		c.add(k, v, size)
	}
}

func (c *cache[K, V]) add(k K, v V, size int64) {
	c.entries[k] = c.order.PushFront(&cached[K, V]{k, v, size})
	for c.used += size; c.used > c.limit; {
		c.remove(c.order.Back())
	}
}

func (c *cache[K, V]) remove(e *linked.Element) {
	old := e.Value.(*cached[K, V])
	c.order.Remove(e)
	delete(c.entries, old.key)
	c.used -= old.size
}
