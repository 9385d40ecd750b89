package engine

import (
	linked "container/list"
	"sync"
)

// The memory of headers, and of what was counted of segments. Invariant: what is remembered, and what was and is still held by somebody, takes at most limit
// bytes together, by the sizes that were given.

// cache remembers the most recently used, up to a number of bytes. What is held is not forgotten: what has no room beside it is not remembered.
type cache[K comparable, V any] struct {
	mu      sync.Mutex
	limit   int64
	used    int64
	held    int64 // of these, what somebody holds
	entries map[K]*linked.Element
	order   *linked.List // of *cached, most recently used first
}

type cached[K comparable, V any] struct {
	key  K
	v    V
	size int64

	holders int
	gone    bool // forgotten or replaced, but held
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
	if _, ok := c.entries[k]; !ok && c.held+size <= c.limit {
		c.add(k, v, size)
	}
}

// hold is get for as long as it takes: let ends it, once. size is what was given.
func (c *cache[K, V]) hold(k K) (v V, size int64, let func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[k]
	if !ok {
		return v, 0, nil, false
	}
	c.order.MoveToFront(e)
	of := e.Value.(*cached[K, V])
	return of.v, of.size, c.holdIt(of), true
}

// replace is put for what has changed, and holds it. ok is false where there is no room, and nothing happens.
func (c *cache[K, V]) replace(k K, v V, size int64) (let func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held+size > c.limit {
		return nil, false
	}
	if e, ok := c.entries[k]; ok {
		c.remove(e)
	}
	return c.holdIt(c.add(k, v, size)), true
}

func (c *cache[K, V]) holdIt(of *cached[K, V]) (let func()) {
	if of.holders++; of.holders == 1 {
		c.held += of.size
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if of.holders--; of.holders > 0 {
			return
		}
		if c.held -= of.size; of.gone {
			c.used -= of.size
		}
	}
}

// add remembers what there is room for, beside what is held.
func (c *cache[K, V]) add(k K, v V, size int64) *cached[K, V] {
	for e := c.order.Back(); e != nil && c.used+size > c.limit; {
		before := e.Prev()
		if e.Value.(*cached[K, V]).holders == 0 {
			c.remove(e)
		}
		e = before
	}
	of := &cached[K, V]{key: k, v: v, size: size}
	c.entries[k] = c.order.PushFront(of)
	c.used += size
	return of
}

func (c *cache[K, V]) remove(e *linked.Element) {
	old := e.Value.(*cached[K, V])
	c.order.Remove(e)
	delete(c.entries, old.key)
	if old.gone = old.holders > 0; !old.gone {
		c.used -= old.size
	}
}
