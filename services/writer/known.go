package writer

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// spread is how long after midnight, UTC, the last of the entries of the day before is due: all of them at once would be a million rows in a
// minute. An entry that the database has from the day before is entered again when its moment comes, which its id says; whatever is new, or
// older, is entered at once. So last_seen_day D means: seen on D, and maybe on D+1 before four o'clock, but not since.
const spread = 4 * time.Hour

// due is how long after midnight an entry of the day before is entered again. Ids that are neighbours have their turn together, because rows that were
// entered together lie side by side in order of their ids: then a page is written to once, not once for each of its rows.
func due(id int64) time.Duration {
	hi, _ := bits.Mul64(uint64(id)^1<<63, uint64(spread)) //nolint:gosec // the bits of the id, in the order of ids
	return time.Duration(hi)                              //nolint:gosec // less than spread
}

// share is the part of its memory that known gives to a dimension, in 64ths. A flood of one does not drive out the others.
func share(d dimension) int64 {
	return [allDimensions]int64{dimService: 3, dimOperation: 5, dimResource: 6, dimScope: 1, dimSeries: 48, dimTenant: 1}[d]
}

// known remembers which dimension entries are in the database, and for which day, so that a flush in steady state sends none. It is bounded in
// bytes, of which it takes no more than the entries need. Safe for concurrent use.
type known struct {
	seed  maphash.Seed
	kinds [allDimensions]knownTable
}

// newKnown makes one that takes this many bytes at most; of 0 it remembers nothing.
func newKnown(bytes int64) *known {
	k := &known{seed: maphash.MakeSeed()}
	for i := range k.kinds {
		k.kinds[i].most = int(bytes * share(dimension(i)) / 64 / bucketBytes)
	}
	return k
}

// dimensionKey is an entry of a dimension table.
type dimensionKey struct {
	dimension dimension
	hash      uint64 // of the tenant and the id, never 0
}

// tenant is what key needs of a tenant.
func (k *known) tenant(t telemetry.Tenant) uint64 { return maphash.String(k.seed, string(t)) }

// key names an entry. Entries of one tenant that differ have different keys; those of two tenants have the same one by an accident of 1 in 2^64
// that no sender can bring about, because the seed is this process's own.
func (k *known) key(d dimension, tenant uint64, id int64) dimensionKey {
	return dimensionKey{d, max(mix(tenant^uint64(id)), 1)} //nolint:gosec // the bits of the id
}

// mix is a permutation of the numbers that leaves no pattern of them: the finish of MurmurHash3, https://github.com/aappleby/smhasher.
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// has reports whether the database has the entry, and need not be told at this moment that it was seen.
func (k *known) has(key dimensionKey, id int64, m moment) bool {
	t := &k.kinds[key.dimension]
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.find(key.hash)
	if e == nil {
		return false
	}
	e.hour = m.hour
	switch e.day {
	case m.day, m.day + 1: // as enter_dimension.sql has it; one beyond it is what a clock said that was ahead
		return true
	case m.day - 1:
		return m.since < due(id)
	}
	return false
}

// add notes that the entries are committed for this day.
func (k *known) add(keys map[dimensionKey]struct{}, m moment) {
	for key := range keys {
		t := &k.kinds[key.dimension]
		t.mu.Lock()
		t.put(knownEntry{hash: key.hash, day: m.day, hour: m.hour})
		t.mu.Unlock()
	}
}

// moment is a time as dimensions count it.
type moment struct {
	day, hour int32         // since 1970, UTC
	since     time.Duration // midnight
}

func momentOf(t time.Time) moment {
	s := t.Unix()
	return moment{day: clamp32(s / 86400), hour: clamp32(s / 3600), since: time.Duration(s%86400) * time.Second}
}

// knownEntry is one entry of a dimension table; without a hash, none.
type knownEntry struct {
	hash uint64
	day  int32 // for which it was entered
	hour int32 // in which it was asked for last
}

const (
	bucketSlots = 4
	bucketBytes = bucketSlots * 16 // a cache line
	// idle is for how many hours an entry is not asked for until a new one takes its place.
	idle = 2
	// admit is how many new entries come to a full pair of buckets until one takes the place of an entry that is in use.
	admit = 32
)

// bucket holds entries in no order.
type bucket [bucketSlots]knownEntry

// knownTable is the memory for one dimension: an entry is in one of two buckets, as its hash says, so that the table is nearly full when a pair is.
// Then it doubles, up to its bound. From there on it stays as it is but for entries that are idle, and some by chance: more entries than it holds,
// asked for one after the other again and again, would find nothing in a table that always takes the last one.
type knownTable struct {
	mu      sync.Mutex
	buckets []bucket
	most    int    // buckets
	used    int    // entries
	refused uint64 // of admit
}

func (t *knownTable) pair(hash uint64) (a, b *bucket) {
	n := uint64(len(t.buckets))
	i, _ := bits.Mul64(hash, n)
	j, _ := bits.Mul64(mix(hash), n)
	return &t.buckets[i], &t.buckets[j]
}

func (t *knownTable) find(hash uint64) *knownEntry {
	if len(t.buckets) == 0 {
		return nil
	}
	a, b := t.pair(hash)
	for i := range a {
		if a[i].hash == hash {
			return &a[i]
		}
	}
	for i := range b {
		if b[i].hash == hash {
			return &b[i]
		}
	}
	return nil
}

// free is the place for a new entry: in the emptier bucket of its pair. Nil where both are full.
func (t *knownTable) free(hash uint64) *knownEntry {
	if len(t.buckets) == 0 {
		return nil
	}
	var best *knownEntry
	most := 0
	a, b := t.pair(hash)
	for _, bucket := range [2]*bucket{a, b} {
		free, n := (*knownEntry)(nil), 0
		for i := range bucket {
			if bucket[i].hash == 0 {
				free = &bucket[i]
				n++
			}
		}
		if n > most {
			best, most = free, n
		}
	}
	return best
}

func (t *knownTable) put(e knownEntry) {
	if there := t.find(e.hash); there != nil {
		*there = e
		return
	}
	place := t.free(e.hash)
	for place == nil && t.grow() {
		place = t.free(e.hash)
	}
	if place == nil {
		if place = t.victim(e); place == nil {
			return
		}
		t.used--
	}
	*place = e
	t.used++
}

// grow doubles the table where it may, and reports whether it did.
func (t *knownTable) grow() bool {
	n := min(max(2*len(t.buckets), 16), t.most)
	if n <= len(t.buckets) {
		return false
	}
	old := t.buckets
	t.buckets, t.used = make([]bucket, n), 0
	for i := range old {
		for _, e := range old[i] {
			if e.hash == 0 {
				continue
			}
			if place := t.free(e.hash); place != nil { // or it is asked for once more
				*place = e
				t.used++
			}
		}
	}
	return true
}

// victim is whose place a new entry takes in two full buckets: of the one that was not asked for the longest where it is idle, else of any, seldom.
func (t *knownTable) victim(e knownEntry) *knownEntry {
	if len(t.buckets) == 0 {
		return nil
	}
	a, b := t.pair(e.hash)
	oldest := &a[0]
	for _, bucket := range [2]*bucket{a, b} {
		for i := range bucket {
			if bucket[i].hour < oldest.hour {
				oldest = &bucket[i]
			}
		}
	}
	if e.hour-oldest.hour >= idle {
		return oldest
	}
	if t.refused++; t.refused%admit != 0 {
		return nil
	}
	n := mix(t.refused) % (2 * bucketSlots)
	if n < bucketSlots {
		return &a[n]
	}
	return &b[n-bucketSlots]
}

// memory is how many entries are remembered and in how many bytes.
func (k *known) memory() (entries int, bytes int64) {
	for i := range k.kinds {
		t := &k.kinds[i]
		t.mu.Lock()
		entries += t.used
		bytes += int64(len(t.buckets)) * bucketBytes
		t.mu.Unlock()
	}
	return entries, bytes
}
