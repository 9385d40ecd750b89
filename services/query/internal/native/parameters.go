package native

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// refuseUnknown makes, for each operation of the contract, what refuses query parameters that it does not have: a filter under a wrong name must not
// be a question about everything. The names are those of the generated types of parameters.
func (n *API) refuseUnknown() map[string][]echo.MiddlewareFunc {
	of := map[string][]echo.MiddlewareFunc{}
	operations := reflect.TypeFor[api.ServerInterface]()
	for m := range operations.Methods() {
		id := strings.ToLower(m.Name[:1]) + m.Name[1:]
		of[id] = []echo.MiddlewareFunc{n.refuseBut(parametersOf(m.Type.In(m.Type.NumIn() - 1)))}
	}
	return of
}

// parametersOf are the query parameters in a generated type; any other type has none.
func parametersOf(t reflect.Type) (names []string) {
	if t.Kind() != reflect.Struct {
		return nil
	}
	for field := range t.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("form"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (n *API) refuseBut(names []string) echo.MiddlewareFunc {
	takes := "it takes none"
	if len(names) > 0 {
		takes = "it takes " + strings.Join(names, ", ")
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			for _, name := range slices.Sorted(maps.Keys(c.QueryParams())) {
				if slices.Contains(names, name) {
					continue
				}
				if _, err := n.who(c); err != nil { // who may not ask is told nothing of the question
					return err
				}
				return errParameter.Newf("this path has no parameter %.64q%s: %s", name, filter.Nearest(name, names), takes)
			}
			return unreadable(next(c))
		}
	}
}

// What generated code says of a parameter that it cannot read: its name, then what went wrong in Go's words, with the text in quotes where there is one.
var (
	unreadableForm = regexp.MustCompile(`^Invalid format for parameter (\S+): (.*)$`)
	unreadableText = regexp.MustCompile(`parsing ("(?:[^"\\]|\\.)*")`)
)

// unreadable says in our words that a parameter cannot be read; any other error is what it is.
func unreadable(err error) error {
	var of *echo.HTTPError
	if !errors.As(err, &of) {
		return err
	}
	message, _ := of.Message.(string)
	form := unreadableForm.FindStringSubmatch(message)
	if form == nil {
		return err
	}
	want := "it cannot be read"
	says, text := unreadableText.ReplaceAllString(form[2], ""), unreadableText.FindStringSubmatch(form[2]) // what the sender wrote is none of our words
	for _, one := range []struct{ says, want string }{
		{"is required", "it is missing"},
		{"multiple values", "want one value"},
		{"value out of range", "the number is too large or too small"},
		{"overflows", "the number is too large or too small"},
		{"ParseInt", "want a whole number"},
		{"ParseUint", "want a whole number"},
		{"ParseBool", "want true or false"},
		{"ParseFloat", "want a number"},
		{"RFC3339", "want a time, as 2026-11-23T10:00:00Z"},
	} {
		if strings.Contains(says, one.says) {
			want = one.want
			break
		}
	}
	if text != nil && strings.HasPrefix(want, "want ") {
		if given, err := strconv.Unquote(text[1]); err == nil {
			want += fmt.Sprintf(", not %.64q", given)
		}
	}
	return errParameter.Newf("%s: %s", form[1], want)
}
