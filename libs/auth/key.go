package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// A key is olly_<id>_<secret>: a prefix that scanners of source code find, 80 random bits by which it is looked up and named, and 256
// random bits that are never kept. Both are base32 in lower case, which survives headers, URLs and double clicks.
const (
	keyPrefix   = "olly_"
	idBytes     = 10
	secretBytes = 32
	idChars     = 16
	secretChars = 52
	keyChars    = len(keyPrefix) + idChars + 1 + secretChars
)

// Hash is SHA-256 of a key's text.
type Hash = [sha256.Size]byte

// Key is what is kept of a key.
type Key struct {
	ID      string
	Tenant  telemetry.Tenant
	Scopes  Scopes
	Hash    Hash
	Expires time.Time // zero for never
}

func (k Key) identity() Identity {
	return Identity{Tenant: k.Tenant, Connection: k.ID, Scopes: k.Scopes, Until: k.Expires}
}

func (k Key) good(now time.Time) bool { return k.Expires.IsZero() || now.Before(k.Expires) }

// NewKey makes a key: its text, which nobody can tell again, and what is kept of it, but for tenant, scopes and expiry.
func NewKey() (text string, key Key) {
	random := make([]byte, idBytes+secretBytes)
	_, _ = rand.Read(random) // never fails
	encoding := base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
	id := encoding.EncodeToString(random[:idBytes])
	text = keyPrefix + id + "_" + encoding.EncodeToString(random[idBytes:])
	return text, Key{ID: id, Hash: sha256.Sum256([]byte(text))}
}

// IsKey says whether a secret has the form of a key, so that it is no other token.
func IsKey(text string) bool { return strings.HasPrefix(text, keyPrefix) }

// keyID is the part of a key's text by which it is looked up; "" where the text is no key.
func keyID(text string) string {
	if len(text) != keyChars || !IsKey(text) || text[len(keyPrefix)+idChars] != '_' {
		return ""
	}
	return text[len(keyPrefix) : len(keyPrefix)+idChars]
}
