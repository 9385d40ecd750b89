package login

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/libs/auth"
)

// roles are what a person may be by the claims of an identity provider, least first: of several, the last one counts. What a scope opens is
// the operation's x-scope in docs/api.yaml. Nobody has ingest: telemetry is sent with keys, which rows can name.
var roles = []struct { //nolint:gochecknoglobals // a table
	name   string
	scopes auth.Scopes
}{
	{"viewer", auth.Of(auth.Query)},
	{"editor", auth.Of(auth.Query, auth.Edit)},
	{"admin", auth.Of(auth.Query, auth.Edit, auth.Admin)},
}

func roleNames() (names []string) {
	for _, r := range roles {
		names = append(names, r.name)
	}
	return names
}

// everybody stands in a mapping for whoever the identity provider lets in.
const everybody = "*"

// mapping reads value=ours, as settings have it: what a claim's values give here.
type mapping []struct{ value, ours string }

// parseMapping demands that the right side is one that good takes.
func parseMapping(list []string, good func(ours string) error) (m mapping, err error) {
	for _, pair := range list {
		i := strings.LastIndexByte(pair, '=') // a distinguished name has some of its own
		if i <= 0 {
			return nil, fmt.Errorf("%.100q is not value=ours", pair)
		}
		if err := good(pair[i+1:]); err != nil {
			return nil, err
		}
		m = append(m, struct{ value, ours string }{pair[:i], pair[i+1:]})
	}
	return m, nil
}

// of is what the values of a claim give, each once, in the order of the mapping.
func (m mapping) of(values []string) (ours []string) {
	for _, pair := range m {
		if (pair.value == everybody || slices.Contains(values, pair.value)) && !slices.Contains(ours, pair.ours) {
			ours = append(ours, pair.ours)
		}
	}
	return ours
}

// highest is the role of a person who has several; "" for none.
func highest(names []string) (role string) {
	for _, r := range roles {
		if slices.Contains(names, r.name) {
			role = r.name
		}
	}
	return role
}

func scopesOf(role string) (s auth.Scopes) {
	for _, r := range roles {
		if r.name == role {
			s = r.scopes
		}
	}
	return s
}
