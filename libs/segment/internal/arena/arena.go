// Package arena lends out memory for what is decoded, so that a reader of thousands of segments allocates once and not for each of them.
// Invariant: two pieces never overlap, and all of them end with the next Renew.
package arena

// Arena lends out memory piece by piece, and takes all of it back at once. The zero value is ready.
type Arena struct {
	b     []byte
	asked int // bytes since it was last begun anew
	least int // bytes of the next piece
}

const leastPiece = 64 << 10

// Renew begins anew: in one piece where not more than most was asked for the last time, so that it need not be allocated again. What was
// taken before may be overwritten from now on.
func (a *Arena) Renew(most int) {
	a.least = leastPiece
	switch {
	case a.asked > most || cap(a.b) > most:
		a.b = nil
	case a.asked > cap(a.b):
		a.b, a.least = nil, min(a.asked+a.asked/4, most)
	default:
		a.b = a.b[:0]
	}
	a.asked = 0
}

// Asked is how many bytes were taken since the last Renew.
func (a *Arena) Asked() int { return a.asked }

// Shrink lets the memory go where it is more than most bytes.
func (a *Arena) Shrink(most int) {
	if cap(a.b) > most {
		a.b = nil
	}
}

// Take returns an empty slice of capacity n, which nobody else gets. It is valid until the next Renew.
func (a *Arena) Take(n int) []byte {
	a.asked += n
	if cap(a.b)-len(a.b) < n {
		a.b = make([]byte, 0, max(n, a.least, leastPiece))
	}
	at := len(a.b)
	a.b = a.b[:at+n]
	return a.b[at : at : at+n]
}
