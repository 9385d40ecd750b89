package filter

// Hashes collects distinct hashes for one filter after the other. The zero value must be Reset.
type Hashes struct {
	slots []uint64 // open addressing, at most half full; 0 is free
	list  []uint64
	zero  bool // whether 0 is in list
}

// Reset empties the set and keeps its memory.
func (s *Hashes) Reset() {
	if len(s.slots) == 0 {
		s.slots = make([]uint64, 1024)
	}
	clear(s.slots)
	s.list, s.zero = s.list[:0], false
}

// List is the distinct hashes in the order in which they came. It is valid until the next Add or Reset.
func (s *Hashes) List() []uint64 { return s.list }

// Add enters a hash.
func (s *Hashes) Add(h uint64) {
	if h == 0 { // marks a free slot
		if !s.zero {
			s.zero, s.list = true, append(s.list, 0)
		}
		return
	}
	mask := uint64(len(s.slots) - 1)
	at := h & mask
	for s.slots[at] != 0 {
		if s.slots[at] == h {
			return
		}
		at = (at + 1) & mask
	}
	s.slots[at] = h
	s.list = append(s.list, h)
	if len(s.list)*2 > len(s.slots) {
		s.slots = make([]uint64, 2*len(s.slots))
		mask = uint64(len(s.slots) - 1)
		for _, h := range s.list {
			at := h & mask
			for s.slots[at] != 0 {
				at = (at + 1) & mask
			}
			if h != 0 {
				s.slots[at] = h
			}
		}
	}
}
