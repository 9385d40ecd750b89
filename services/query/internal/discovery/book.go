package discovery

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// What is known of all keys, charged to the question.

// mostKeys is how many keys one question keeps: of more, those that most items have.
const mostKeys = 20_000

// holder is what charges a question.
type holder interface {
	HoldMore(need, rather int64) (charged int64, err error)
}

type book struct {
	snapshot    holder
	prefix      string
	keys        map[id]*entry
	bytes, room int64 // about what it takes; and what it may, of which all but little is charged
	lost        bool  // some keys are left out, so that of others there may be too few
}

const little = 256 << 10

// entry is a key.
type entry struct {
	known
	sampled   int64 // items of a sample, which stand for more
	estimated bool
	late      bool // it came when some had been left out, and may have been one of them
	listed    bool // nothing was seen of it
}

func newBook(s holder, prefix string) *book {
	return &book{snapshot: s, prefix: prefix, keys: map[id]*entry{}, room: little}
}

func (b *book) wants(name string) bool { return strings.HasPrefix(name, b.prefix) }

// add adds what some segments have.
func (b *book) add(f *found, sampled bool) {
	if f.lost {
		b.lost = true
		for _, e := range b.keys {
			e.late = true
		}
	}
	for key, k := range f.keys {
		if !b.wants(key.name) {
			continue
		}
		e := b.keys[key]
		if e == nil {
			e = &entry{late: b.lost}
			b.keys[key] = e
			b.bytes += int64(keyBytes + len(key.name) + len(key.within))
		}
		before, items := e.memory(), e.items
		e.merge(k)
		if sampled {
			e.items, e.sampled = items, e.sampled+k.items
		}
		if len(e.values) > mostValues {
			e.bound(mostValues)
		}
		b.bytes += e.memory() - before
	}
	if b.bytes > b.room || len(b.keys) > mostKeys {
		b.makeRoom()
	}
}

// makeRoom charges the question with more, or leaves out keys that few items have.
func (b *book) makeRoom() {
	most, bytes := mostKeys, b.room
	if len(b.keys) > mostKeys {
		most = mostKeys / 2
	}
	if b.bytes > b.room {
		more, err := b.snapshot.HoldMore(b.bytes-b.room, b.room)
		b.room += more
		if bytes = b.room; err != nil {
			bytes /= 2
		}
	}
	if b.bytes <= bytes && len(b.keys) <= most {
		return
	}
	b.lost = true
	for list := b.ranked(); len(list) > 1 && (b.bytes > bytes || len(list) > most); list = list[:len(list)-1] {
		key := list[len(list)-1]
		b.bytes -= int64(keyBytes+len(key.name)+len(key.within)) + b.keys[key].memory()
		delete(b.keys, key)
	}
}

// ranked are the keys, those of most items first.
func (b *book) ranked() []id {
	list := make([]id, 0, len(b.keys))
	for key := range b.keys {
		list = append(list, key)
	}
	slices.SortFunc(list, func(a, c id) int {
		of, other := b.keys[a], b.keys[c]
		return cmp.Or(cmp.Compare(other.items+other.sampled, of.items+of.sampled), cmp.Compare(a.of, c.of), cmp.Compare(a.name, c.name), cmp.Compare(a.within, c.within))
	})
	return list
}

// list adds a key that so many items have at most, unless it was seen; or about so many, where some may have it that are not known.
func (b *book) list(key id, items int64, more bool) {
	if b.keys[key] != nil || !b.wants(key.name) {
		return
	}
	b.keys[key] = &entry{known: known{items: items, untold: true}, listed: !more, estimated: more}
	b.bytes += int64(keyBytes + len(key.name))
	if b.bytes > b.room || len(b.keys) > mostKeys {
		b.makeRoom()
	}
}

// scale says for how many items each of a sample stands; 1 for itself.
func (b *book) scale(factor float64) {
	for _, e := range b.keys {
		if e.sampled > 0 {
			e.items += int64(math.Round(float64(e.sampled) * factor))
			e.estimated = e.estimated || factor != 1
			e.sampled = 0
		}
	}
}

// complete says that the values which no head told were all seen.
func (b *book) complete() {
	for _, e := range b.keys {
		e.untold = false
	}
}

// place is a key's name in a list.
func (i id) place() []byte {
	return append(append(append([]byte{byte(i.of)}, i.within...), 0), i.name...)
}

// Place is the name by which a key is found again in a list.
func (k *Key) Place() []byte { return id{k.Scope, k.Within, k.Name}.place() }

// tell is what is told of some keys of a list, from one on; exact says whether the numbers of all of the list are.
func (b *book) tell(list []id, first, top int, cut bool) (out []Key, exact bool) {
	exact = !b.lost && !cut
	for _, e := range b.keys {
		exact = exact && !e.estimated && !e.listed
	}
	list = list[first:]
	list = list[:min(top, len(list))]
	out = make([]Key, 0, len(list))
	for _, key := range list {
		e := b.keys[key]
		k := Key{Scope: key.of, Name: key.name, Within: key.within, Types: e.types, Items: e.items, Distinct: len(e.values), More: e.untold || e.cut || cut || e.late || e.estimated}
		switch {
		case e.listed:
			k.Basis = AtMost
		case e.estimated:
			k.Basis = Estimate
		case cut || e.late:
			k.Basis = AtLeast
		}
		for _, v := range e.known.ranked() {
			if len(k.Values) == MostExamples {
				break
			}
			value, _ := filter.ReadKey([]byte(v))
			k.Values = append(k.Values, segment.Value{Type: value.Type, Num: value.Num, Raw: value.Raw})
		}
		out = append(out, k)
	}
	return out, exact
}
