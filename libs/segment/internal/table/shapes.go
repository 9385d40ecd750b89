package table

import (
	"slices"

	"github.com/ollyscale/ollyscale/libs/segment/internal/intern"
)

// shape is one node of a tree of key lists: the list of its parent and one key more. Node 0 is the empty list.
type shape struct {
	parent uint32
	key    KeyID
	last   uint32 // the child that was taken last: most items repeat their predecessor's keys
	length uint32
}

// Shapes interns key lists. Node 0 is the empty one.
type Shapes struct {
	nodes []shape
	edges intern.Index // (node, key) → child
}

// Reset forgets all lists but the empty one.
func (t *Shapes) Reset() {
	t.nodes = append(t.nodes[:0], shape{})
	t.edges.Reset(0)
}

func (t *Shapes) truncate(n int) {
	t.nodes = t.nodes[:n]
	for i := range t.nodes {
		if int(t.nodes[i].last) >= n {
			t.nodes[i].last = 0
		}
	}
	t.grow(n)
}

func (t *Shapes) grow(n int) {
	t.edges.Reset(n)
	for i := 1; i < len(t.nodes); i++ {
		t.edges.Insert(edgeHash(t.nodes[i].parent, t.nodes[i].key), uint32(i))
	}
}

func edgeHash(node uint32, key KeyID) uint64 {
	h := (uint64(node)<<32 | uint64(key)) * 0x9e3779b97f4a7c15
	return h ^ h>>29
}

// Child returns the key list of node with one key more.
func (t *Shapes) Child(node uint32, key KeyID) uint32 {
	if last := t.nodes[node].last; last != 0 && t.nodes[last].key == key {
		return last
	}
	hash := edgeHash(node, key)
	at, tag := t.edges.Find(hash)
	for {
		s := t.edges.Slots[at]
		if s.Ref == 0 {
			break
		}
		if c := s.Ref - 1; s.Tag == tag && t.nodes[c].parent == node && t.nodes[c].key == key {
			t.nodes[node].last = c
			return c
		}
		at = t.edges.Next(at)
	}
	c := uint32(len(t.nodes))
	t.nodes = append(t.nodes, shape{parent: node, key: key, length: t.nodes[node].length + 1})
	t.nodes[node].last = c
	t.edges.Put(at, tag, c)
	if t.edges.Full() {
		t.grow(len(t.nodes) * 2)
	}
	return c
}

// KeyList appends the keys of a node to dst.
func (t *Shapes) KeyList(dst []KeyID, node uint32) []KeyID {
	n := len(dst)
	for ; node != 0; node = t.nodes[node].parent {
		dst = append(dst, t.nodes[node].key)
	}
	slices.Reverse(dst[n:])
	return dst
}

// Len is how many lists there are.
func (t *Shapes) Len() int { return len(t.nodes) }

// Likely is the list that was made of node last, and its last key; 0 where there is none. Most items repeat their predecessor's keys.
func (t *Shapes) Likely(node uint32) (child uint32, key KeyID) {
	child = t.nodes[node].last
	return child, t.nodes[child].key
}
