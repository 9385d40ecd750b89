package auth

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Keyring is the keys that are good. Safe for concurrent use; the zero value knows of none yet.
type Keyring struct {
	byID atomic.Pointer[map[string]Key]
}

// Set replaces all keys.
func (r *Keyring) Set(keys []Key) {
	byID := make(map[string]Key, len(keys))
	for _, k := range keys {
		byID[k.ID] = k
	}
	r.byID.Store(&byID)
}

func (r *Keyring) known() bool { return r.byID.Load() != nil }

// find is the key of this text, if it is good now. A key that is not known takes as long as one that is wrong.
func (r *Keyring) find(text string, now time.Time) (Key, bool) {
	key, ok := (*r.byID.Load())[keyID(text)]
	hash := sha256.Sum256([]byte(text))
	same := subtle.ConstantTimeCompare(hash[:], key.Hash[:]) == 1
	return key, ok && same && key.good(now)
}

// named is the key of this id, if it is good now.
func (r *Keyring) named(id string, now time.Time) (Key, bool) {
	key, ok := (*r.byID.Load())[id]
	return key, ok && key.good(now)
}

// SnapshotName is that of the keys on the bus.
const SnapshotName = "keys"

// wireKey is a key in a snapshot. Names and dates of keys are nobody's business there.
type wireKey struct {
	ID      string   `json:"id"`
	Tenant  string   `json:"tenant"`
	Scopes  []string `json:"scopes"`
	Hash    []byte   `json:"hash"`
	Expires int64    `json:"expires,omitempty"` // Unix seconds
}

// EncodeKeys makes the data of a snapshot; the same keys make the same bytes.
func EncodeKeys(keys []Key) ([]byte, error) {
	wire := make([]wireKey, len(keys))
	for i, k := range keys {
		wire[i] = wireKey{ID: k.ID, Tenant: string(k.Tenant), Scopes: k.Scopes.Names(), Hash: k.Hash[:]}
		if !k.Expires.IsZero() {
			wire[i].Expires = k.Expires.Unix()
			if wire[i].Expires == 0 { // which would be never
				wire[i].Expires = -1
			}
		}
	}
	slices.SortFunc(wire, func(a, b wireKey) int { return cmp.Compare(a.ID, b.ID) })
	return json.Marshal(wire)
}

// Apply takes the keys of a snapshot. Where one of them cannot be read, none is taken.
func (r *Keyring) Apply(s bus.Snapshot) error {
	var wire []wireKey
	if err := json.Unmarshal(s.Data, &wire); err != nil {
		return fmt.Errorf("keys of a snapshot: %w", err)
	}
	keys := make([]Key, len(wire))
	for i, w := range wire {
		tenant, err := telemetry.ParseTenant(w.Tenant)
		if err != nil {
			return fmt.Errorf("key %s of a snapshot: %w", w.ID, err)
		}
		if len(w.ID) != idChars { // what is no key has the id "": it must find none
			return fmt.Errorf("key %d of a snapshot: its id has %d characters", i, len(w.ID))
		}
		keys[i] = Key{ID: w.ID, Tenant: tenant, Scopes: KnownScopes(w.Scopes)}
		if copy(keys[i].Hash[:], w.Hash) != len(keys[i].Hash) || len(w.Hash) != len(keys[i].Hash) {
			return fmt.Errorf("key %s of a snapshot: its hash has %d bytes", w.ID, len(w.Hash))
		}
		if w.Expires != 0 {
			keys[i].Expires = time.Unix(w.Expires, 0)
		}
	}
	r.Set(keys)
	return nil
}

// Seal signs snapshots of keys, and shows that they are signed by who has the same secret.
func (c Config) Seal() bus.Seal {
	secret := settings.SecretBytes(c.SnapshotKey)
	sign := func(message []byte) []byte {
		h := hmac.New(sha256.New, secret)
		h.Write(message)
		return h.Sum(nil)
	}
	return bus.Seal{
		Sign: func(message []byte) ([]byte, error) { return sign(message), nil },
		Verify: func(message, signature []byte) error {
			if !hmac.Equal(sign(message), signature) {
				return errSeal.New("the signature is none by auth.snapshot_key of this service")
			}
			return nil
		},
	}
}
