// Package intern finds numbered entries by hash: the entries themselves live with the caller, who compares them.
//
// Invariants: open addressing with linear probing, at most half full, so that a search ends at a free slot. An entry is looked for from
// Find on: slots whose tag is that of the hash may be it, a slot with Ref 0 says that it is not there and is where Put enters it.
// After Put, when the index is Full, it is rebuilt before the next Find.
package intern

// Slot holds a piece of the hash, and the entry's number plus one (0: it is free).
type Slot struct{ Tag, Ref uint32 }

// Index finds entries. Reset begins one.
type Index struct {
	Slots []Slot
	used  int
}

// Find returns where to look first, and the tag to compare. The low bits choose the slot, the high ones are the tag.
func (x *Index) Find(hash uint64) (at, tag uint32) {
	return uint32(hash) & uint32(len(x.Slots)-1), uint32(hash >> 32)
}

// Next is where to look after at.
func (x *Index) Next(at uint32) uint32 { return (at + 1) & uint32(len(x.Slots)-1) }

// Put enters an entry at the free slot found.
func (x *Index) Put(at, tag, entry uint32) {
	x.Slots[at] = Slot{tag, entry + 1}
	x.used++
}

// Full reports that the index must be rebuilt larger before the next entry.
func (x *Index) Full() bool { return x.used*2 >= len(x.Slots) }

// Reset empties the index, and makes room for at least n entries.
func (x *Index) Reset(n int) {
	size := 64
	for size < n*2+2 {
		size *= 2
	}
	// What one large batch needed is not cleared for every small one after it.
	if size <= len(x.Slots) && (len(x.Slots) <= 1<<12 || x.used*32 >= len(x.Slots)) {
		clear(x.Slots)
	} else {
		x.Slots = make([]Slot, size)
	}
	x.used = 0
}

// Insert enters an entry that is known to be new.
func (x *Index) Insert(hash uint64, entry uint32) {
	at, tag := x.Find(hash)
	for x.Slots[at].Ref != 0 {
		at = x.Next(at)
	}
	x.Put(at, tag, entry)
}

// Rebuild enters entries 0 to len(hashes)-1, with room for as many more.
func (x *Index) Rebuild(hashes []uint64) {
	x.Reset(len(hashes) * 2)
	for i, h := range hashes {
		x.Insert(h, uint32(i))
	}
}
