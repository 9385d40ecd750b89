package native

import (
	"encoding/json"
	"regexp"
	"strconv"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/rollup/edges"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// The filters that find the spans of a node of the map. They say what package edges looked at to make the node.

// condition is a filter as it is sent.
type condition map[string]any

func is(field, operator string, value any) condition {
	return condition{"field": field, "operator": operator, "value": value}
}

// filter is it as an answer tells it: of texts and finite numbers, which JSON has.
func (c condition) filter() api.Filter {
	raw, err := json.Marshal(c)
	if err != nil {
		return nil
	}
	return raw
}

func anyOf(list ...condition) condition { return condition{"or": list} }
func allOf(list ...condition) condition { return condition{"and": list} }

// says is that one of the attributes for a thing meets a condition.
func says(t edges.Thing, operator string, value any) condition {
	var list []condition
	for _, key := range t.Keys() {
		list = append(list, is("attributes."+key, operator, value))
	}
	return anyOf(list...)
}

// silent is that none of the attributes for a thing is there.
func silent(t edges.Thing) condition {
	var list []condition
	for _, key := range t.Keys() {
		list = append(list, is("attributes."+key, "exists", false))
	}
	return allOf(list...)
}

// named is that a thing has a name, or none where it is empty.
func named(t edges.Thing, name string) condition {
	if name == "" {
		return anyOf(silent(t), says(t, "eq", ""))
	}
	return says(t, "eq", name)
}

// nodeFilters are the filters of a node, none where its name is not one by which spans can be found.
func nodeFilters(n edges.Node) []api.Filter {
	for _, s := range []string{n.System, n.Name, n.Address} {
		if rollup.IsCut(s) && n.Kind != edges.Service || s == edges.OtherName {
			return nil
		}
	}
	var list []condition
	switch n.Kind {
	case edges.Service, edges.Browser:
		list = append(list, is("service", "eq", n.Name))
		if n.Namespace != "" {
			list = append(list, is("namespace", "eq", n.Namespace))
		}
	case edges.Database:
		list = append(list, notEntry(), says(edges.DatabaseKind, "eq", n.System))
		if n.Name != "" {
			list = append(list, says(edges.DatabaseName, "eq", n.Name))
		} else { // a number names nothing
			list = append(list, anyOf(silent(edges.DatabaseName), says(edges.DatabaseName, "regex", "^[0-9]*$")))
		}
		if n.Address == "" {
			list = append(list, named(edges.Address, ""), named(edges.Peer, ""))
			break
		}
		list = append(list, anyOf(says(edges.Address, "eq", n.Address), says(edges.Peer, "eq", n.Address)))
		if port, err := strconv.Atoi(n.Port); err == nil {
			list = append(list, says(edges.Port, "eq", port))
		} else if usual := edges.StandardPort(n.System); usual != 0 {
			list = append(list, anyOf(silent(edges.Port), says(edges.Port, "eq", usual)))
		}
	case edges.Messaging:
		list = append(list, named(edges.Broker, n.System), named(edges.Destination, n.Name))
		if n.Address != "" {
			list = append(list, anyOf(says(edges.Address, "eq", n.Address), says(edges.Peer, "eq", n.Address)))
		}
	case edges.External:
		host := regexp.QuoteMeta(n.Name)
		called := anyOf(says(edges.Address, "eq", n.Name), says(edges.FullURL, "regex", `^[^/]*//([^/?#]*@)?\[?`+host+`\]?(:[0-9]*)?([/?#]|$)`),
			says(edges.HostHeader, "regex", `^\[?`+host+`\]?(:[0-9]*)?$`), says(edges.Called, "eq", n.Name))
		list = append(list, anyOf(says(edges.Peer, "eq", n.Name), allOf(notEntry(), silent(edges.DatabaseKind), silent(edges.Broker), called)))
	case edges.Unknown:
	}
	out := make([]api.Filter, 0, len(list))
	for _, c := range list {
		out = append(out, c.filter())
	}
	return out
}

// notEntry is that a span is none by which its service was called: what names a host in one of those may be itself.
func notEntry() condition { return is("kind", "not_in", []string{"server", "consumer"}) }
