// Package streams writes and reads the three streams of one section (docs/segment-format.md, sections 1 and 3): code for heads, varints and
// byte codes; plain for bit-packed numbers and ids, which no compressor makes smaller; text for the bytes of strings.
//
// Invariants: a Sink only grows; a Source never reads beyond its streams: the first damage sets Bad, and reads after that give zeros. Who
// loops over what a Source gives asks Bad before it believes a count.
package streams

import (
	"encoding/binary"

	"github.com/ollyscale/ollyscale/libs/segment/internal/passages"
)

// Sink collects the streams of a section. The zero value is ready; one without Passages takes no long texts.
type Sink struct {
	Code, Plain, Text []byte

	Passages *passages.Builder // of the segment
	Chunks   []uint64          // bit per chunk of the passages to which the section refers
}

// Reset begins another section in the same memory.
func (s *Sink) Reset() {
	s.Code, s.Plain, s.Text, s.Chunks = s.Code[:0], s.Plain[:0], s.Text[:0], s.Chunks[:0]
}

// Byte writes one byte to code.
func (s *Sink) Byte(b byte) { s.Code = append(s.Code, b) }

// Uvarint writes a uvarint to code.
func (s *Sink) Uvarint(v uint64) { s.Code = binary.AppendUvarint(s.Code, v) }

// Svarint writes an svarint to code.
func (s *Sink) Svarint(v int64) { s.Uvarint(Zigzag(v)) }

// Source reads what a Sink has collected, with one cursor per stream: each field is what is left.
type Source struct {
	Code, Plain, Text []byte
	Bad               bool // damage was met

	Passages passages.Text // of the segment; nil where it has none

	code, plain []byte // the streams whole, for lists that stand before again; nil where there are none
}

// NewSource reads the streams of a section.
func NewSource(code, plain, text []byte, of passages.Text) *Source {
	return &Source{Code: code, Plain: plain, Text: text, Passages: of, code: code, plain: plain}
}

// Read is how many bytes of code and plain were read.
func (s *Source) Read() (code, plain int) {
	return len(s.code) - len(s.Code), len(s.plain) - len(s.Plain)
}

// Earlier reads code from a place in it that was read, up to another, and plain from such a place; from there nothing earlier can be read.
func (s *Source) Earlier(code, end, plain int) *Source {
	return &Source{Code: s.code[code:end:end], Plain: s.plain[plain:]}
}

// Byte reads one byte of code.
func (s *Source) Byte() byte {
	if len(s.Code) == 0 {
		s.Bad = true
		return 0
	}
	b := s.Code[0]
	s.Code = s.Code[1:]
	return b
}

// Uvarint reads a uvarint of code.
func (s *Source) Uvarint() uint64 {
	v, n := binary.Uvarint(s.Code)
	if n <= 0 {
		s.Bad = true
		s.Code = nil
		return 0
	}
	s.Code = s.Code[n:]
	return v
}

// Svarint reads an svarint of code.
func (s *Source) Svarint() int64 { return Unzigzag(s.Uvarint()) }

// Count reads a uvarint that must not exceed limit.
func (s *Source) Count(limit int) int {
	v := s.Uvarint()
	if v > uint64(max(limit, 0)) {
		s.Bad = true
		return 0
	}
	return int(v)
}

// Take reads n bytes of one of the source's streams; nil where there are not so many.
func (s *Source) Take(from *[]byte, n int) []byte {
	if n < 0 || n > len(*from) {
		s.Bad = true
		return nil
	}
	b := (*from)[:n:n]
	*from = (*from)[n:]
	return b
}

// Zigzag maps signed numbers to unsigned ones so that those near zero stay small.
func Zigzag(v int64) uint64 { return uint64(v)<<1 ^ uint64(v>>63) }

// Unzigzag reverses Zigzag.
func Unzigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }
