package counts

// The bytes of a rollup, packed: numbers are varints.
//
//	items │ 1 where keys that are not listed may have values, else 0 │ number of keys │ keys, sorted
//	key:   Of, 1 byte │ length of the name │ name │ 0 where its values are not told, else 1 + the number of values │ length of the values │ values
//	value: type, 1 byte │ number, as it is in a segment.Value │ length of the bytes │ bytes │ items

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// appendValue appends a value without its items, by which it is told from others.
func appendValue(b []byte, v segment.Value) []byte {
	b = append(b, byte(v.Type))
	b = binary.AppendUvarint(b, v.Num)
	b = binary.AppendUvarint(b, uint64(len(v.Raw)))
	return append(b, v.Raw...)
}

func (s *sums) encode(few int) ([]byte, error) {
	list := s.narrow(few)
	b := binary.AppendUvarint(nil, uint64(s.items)) //nolint:gosec // a count
	others := byte(0)
	if s.others {
		others = 1
	}
	b = append(b, others)
	b = binary.AppendUvarint(b, uint64(len(list)))
	var values []byte
	for _, k := range list {
		b = append(b, byte(k.key.Of))
		b = binary.AppendUvarint(b, uint64(len(k.key.Name)))
		b = append(b, k.key.Name...)
		if k.lost {
			b = append(b, 0)
			continue
		}
		values = values[:0]
		for _, value := range slices.Sorted(maps.Keys(k.values)) {
			values = append(values, value...)
			values = binary.AppendUvarint(values, uint64(k.values[value])) //nolint:gosec // a count
		}
		b = binary.AppendUvarint(b, uint64(len(k.values)+1))
		b = binary.AppendUvarint(b, uint64(len(values)))
		b = append(b, values...)
	}
	return packed.Pack(b)
}

// Chunk reads one rollup. Its memory serves from one to the next.
type Chunk struct {
	Items  int64 // all that it is of, whatever values they have
	others bool
	left   int            // keys
	rest   packed.Numbers // behind the last key and its values
	of     packed.Numbers // values of the last key
	count  int            // of these
	key    Of             // the last key
	name   []byte         // of it
	memory []byte
}

func errDamaged() error { return packed.ErrDamaged.New("the bytes are no counts") }

// Decode begins with a rollup. What cannot be read is packed.ErrDamaged, here and below.
func (c *Chunk) Decode(blob []byte) error {
	raw, err := packed.Unpack(&c.memory, blob)
	if err != nil {
		return err
	}
	c.rest = packed.Numbers{Rest: raw}
	items, others := c.rest.Next(), c.rest.Below(1)
	c.others, c.left = others == 1, c.rest.Count()
	if c.Items = int64(items); c.rest.Bad || c.Items < 0 { //nolint:gosec // as told
		return errDamaged()
	}
	return nil
}

// mostType is the largest number of a type, which takes a byte.
const mostType = 0x7f

// bytesOf is so many bytes that follow.
func bytesOf(r *packed.Numbers, n int) []byte {
	if r.Bad || n > len(r.Rest) {
		r.Fail()
		return nil
	}
	b := r.Rest[:n]
	r.Rest = r.Rest[n:]
	return b
}

// next goes on to the next key, and tells whether its values are told; more is false behind the last.
func (c *Chunk) next() (more, known bool, err error) {
	if c.left == 0 {
		if len(c.rest.Rest) > 0 {
			return false, false, errDamaged()
		}
		return false, false, nil
	}
	c.left--
	c.key = Of(c.rest.Below(int(OfField))) //nolint:gosec // as told
	c.name = bytesOf(&c.rest, c.rest.Count())
	state := c.rest.Count()
	if state > 0 {
		c.count = state - 1
		c.of = packed.Numbers{Rest: bytesOf(&c.rest, c.rest.Count())}
	}
	if c.rest.Bad {
		return false, false, errDamaged()
	}
	return true, state > 0, nil
}

// values visits the values of the key that was next, as appendValue writes them.
func (c *Chunk) values(visit func(value []byte, items int64)) error {
	for range c.count {
		from := c.of.Rest
		c.of.Below(mostType)
		c.of.Next()
		bytesOf(&c.of, c.of.Count())
		value := from[:len(from)-len(c.of.Rest)]
		items := int64(c.of.Next()) //nolint:gosec // a count
		if c.of.Bad || items <= 0 {
			return errDamaged()
		}
		visit(value, items)
	}
	if len(c.of.Rest) > 0 {
		return errDamaged()
	}
	return nil
}

// Each visits the keys that are listed, and lets visit look at the values of a key, where they are told; both are valid during the call. all is false where keys that are
// not listed may have values, too. It can be called once for each Decode.
func (c *Chunk) Each(visit func(key Key, told bool, values func(each func(v segment.Value, items int64)) error) error) (all bool, err error) {
	for {
		more, told, err := c.next()
		if err != nil || !more {
			return !c.others, err
		}
		if err := visit(Key{c.key, string(c.name)}, told, c.each); err != nil {
			return false, err
		}
	}
}

// each visits the values of the key that was next.
func (c *Chunk) each(visit func(v segment.Value, items int64)) error {
	return c.values(func(value []byte, items int64) {
		r := packed.Numbers{Rest: value[1:]}
		v := segment.Value{Type: segment.ValueType(value[0]), Num: r.Next()}
		v.Raw = bytesOf(&r, r.Count())
		visit(v, items)
	})
}

// Find visits the values of a key, each valid during the call; known is false where they are not told. It can be called once for each Decode.
func (c *Chunk) Find(key Key, visit func(v segment.Value, items int64)) (known bool, err error) {
	for {
		more, told, err := c.next()
		if err != nil {
			return false, err
		}
		if !more {
			return !c.others, nil
		}
		if c.key != key.Of || string(c.name) != key.Name {
			continue
		}
		if !told {
			return false, nil
		}
		return true, c.each(visit)
	}
}
