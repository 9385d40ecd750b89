package settings

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"
)

// Problem is one setting that cannot work.
type Problem struct {
	Key    string // its full name: "ingest.bus.replicas"
	Text   string // the value and what is allowed: "0 is not between 1 and 5"
	Source string // where the value came from: "--bus-replicas"; "" where nobody knows, or for the default
}

// String is the line that is shown for it.
func (p Problem) String() string {
	if p.Source != "" {
		return p.Key + " (from " + p.Source + "): " + p.Text
	}
	return p.Key + ": " + p.Text
}

// Error is everything that is wrong with a configuration.
type Error struct{ Problems []Problem }

// Error has one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Problems collects what is wrong with a configuration. The zero value is ready.
type Problems struct{ list []Problem }

// Err is an *Error that names every problem, nil when there is none.
func (p *Problems) Err() error {
	if len(p.list) == 0 {
		return nil
	}
	return &Error{Problems: p.list}
}

// Refuse notes a problem; the text tells the value, unless it is a secret, and what is allowed.
func (p *Problems) Refuse(key, text string, args ...any) {
	if len(args) > 0 {
		text = fmt.Sprintf(text, args...)
	}
	p.list = append(p.list, Problem{Key: key, Text: text})
}

// Section takes over what the Validate of a nested Config found, under the section's name; "" for one that adds none to the key.
func (p *Problems) Section(name string, err error) {
	if err == nil {
		return
	}
	inner, ok := errors.AsType[*Error](err)
	if !ok {
		p.Refuse(name, "%s", err.Error())
		return
	}
	for _, problem := range inner.Problems {
		if name != "" {
			problem.Key = name + "." + problem.Key
		}
		p.list = append(p.list, problem)
	}
}

// OneOf refuses a value that is none of those allowed.
func (p *Problems) OneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		p.Refuse(key, "%q is not %s", value, choice(allowed))
	}
}

func choice(allowed []string) string {
	words := slices.Clone(allowed)
	for i, w := range words {
		if w == "" {
			words[i] = "empty"
		}
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " or " + words[last]
	}
	return strings.Join(words, "")
}

// Address refuses what is not host:port.
func (p *Problems) Address(key, value string) {
	if _, _, err := net.SplitHostPort(value); err != nil {
		p.Refuse(key, "%q is not host:port", value)
	}
}

// Together refuses one of two settings without the other.
func (p *Problems) Together(key, value, otherKey, other string) {
	if (value == "") != (other == "") {
		p.Refuse(key, "is to be given together with %s, or neither", otherKey)
	}
}

// secretBytes is the least that a secret of random bytes has: nobody guesses 256 bits.
const secretBytes = 32

// Secret refuses what is no secret of random bytes, as NewSecret makes it; an empty one is allowed. where says who has to have the same:
// "in every replica".
func (p *Problems) Secret(key, value, where string) {
	if secret, err := base64.StdEncoding.DecodeString(value); value != "" && (err != nil || len(secret) < secretBytes) {
		p.Refuse(key, "want base64 of at least %d random bytes, as `openssl rand -base64 %d` makes them, the same %s", secretBytes, secretBytes, where)
	}
}

// NewSecret is a secret of random bytes for who was given none.
func NewSecret() string {
	b := make([]byte, secretBytes)
	_, _ = rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// SecretBytes are the bytes of a secret that Problems.Secret did not refuse.
func SecretBytes(value string) []byte {
	b, _ := base64.StdEncoding.DecodeString(value) // Problems.Secret has
	return b
}

// Between refuses a value outside low to high.
func Between[T cmp.Ordered](p *Problems, key string, value, low, high T) {
	if !(value >= low && value <= high) {
		p.Refuse(key, "%s is not between %s and %s", show(key, value), show(key, low), show(key, high))
	}
}

// AtLeast refuses a value below low.
func AtLeast[T cmp.Ordered](p *Problems, key string, value, low T) {
	if !(value >= low) {
		p.Refuse(key, "%s is less than %s", show(key, value), show(key, low))
	}
}

// Positive refuses 0 and what is below it.
func Positive[T cmp.Ordered](p *Problems, key string, value T) {
	var zero T
	if !(value > zero) {
		p.Refuse(key, "%s is not above 0", show(key, value))
	}
}

// NotNegative refuses what is below 0, where 0 has a meaning of its own.
func NotNegative[T cmp.Ordered](p *Problems, key string, value T) {
	var zero T
	if !(value >= zero) {
		p.Refuse(key, "%s is negative", show(key, value))
	}
}

func show(key string, value any) string {
	v := reflect.ValueOf(value)
	if v.Kind() == reflect.String {
		return fmt.Sprintf("%q", value)
	}
	return format(v, sized(key))
}
