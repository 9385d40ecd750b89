// Package settings reads a program's configuration, says everything that is wrong with it at once, and writes the page about it. It is the
// only importer of viper, which looks a setting up in the flags, the environment and the file; what this package adds is what viper lacks:
// units, exact messages, unknown keys, and documentation.
//
// A Config is a struct that holds its defaults, as a DefaultConfig function made it: there is no other place for one, so that 0 means 0.
// Its leaves carry two tags: `mapstructure:"max_bytes"`, the key, and `doc:"…"`, one sentence for docs/configuration.md and --help, which
// says what 0 means where 0 is allowed. A leaf may also carry `secret:"true"` (never printed), `secret:"hosts"` (URLs, of
// which only where they lead is printed), `flag:"name"` (another name for its flag),
// `usual:"true"` (shown by --help, not only by --help-all) and, once a struct, `arg:"true"` (filled by the first word of the command line
// that is not a flag). A nested struct may carry `usual:"grpc.address,http.address"`, the list of what is usual in it, or `usual:"-"`.
//
// Its Validate collects what is wrong in a Problems:
//
//	func (c Config) Validate() error {
//		var p settings.Problems
//		p.Section("bus", c.Bus.Validate())
//		settings.Between(&p, "workers", c.Workers, 0, 256)
//		return p.Err()
//	}
package settings

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EnvPrefix starts the name of every environment variable: bus.url is OLLY_BUS_URL.
const EnvPrefix = "OLLY_"

// Setting is one leaf of a Config struct.
type Setting struct {
	Key    string // "bus.max_bytes"
	Flag   string // "bus-max-bytes"
	Doc    string
	Secret bool
	Usual  bool          // --help shows it
	Arg    bool          // the first word of the command line sets it
	Value  reflect.Value // settable, inside the struct that was listed
	owner  reflect.Type  // the struct that has it, and its field there
	field  string
	hosts  bool // a list of URLs, of which it may be shown where they lead
}

// List gives the settings of the struct that config points to, in its order. A field without a mapstructure name is not a setting; a nested
// struct adds its name to the key, a ",squash" one does not.
func List(config any) []Setting {
	var list []Setting
	// usual decides for a struct that says what is usual in it; nil leaves it to the leaves.
	var visit func(v reflect.Value, prefix string, usual func(key string) bool)
	visit = func(v reflect.Value, prefix string, usual func(string) bool) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
			if name == "-" || (name == "" && options != "squash") {
				continue
			}
			key, value := prefix+name, v.Field(i)
			if value.Kind() == reflect.Struct && !isText(value) {
				if options != "squash" {
					key += "."
				}
				inside := usual
				if tag := field.Tag.Get("usual"); tag != "" && usual == nil {
					inside = func(k string) bool { return slices.Contains(strings.Split(tag, ","), strings.TrimPrefix(k, key)) }
				}
				visit(value, key, inside)
				continue
			}
			s := Setting{
				Key: key, Flag: field.Tag.Get("flag"), Doc: field.Tag.Get("doc"), Secret: field.Tag.Get("secret") != "",
				Usual: field.Tag.Get("usual") == "true", Arg: prefix == "" && field.Tag.Get("arg") == "true",
				Value: value, owner: v.Type(), field: field.Name, hosts: field.Tag.Get("secret") == "hosts",
			}
			if s.Flag == "" {
				s.Flag = strings.NewReplacer(".", "-", "_", "-").Replace(key)
			}
			if usual != nil {
				s.Usual = usual(key)
			}
			list = append(list, s)
		}
	}
	visit(reflect.ValueOf(config).Elem(), "", nil)
	return list
}

func isText(v reflect.Value) bool {
	_, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr())
	return ok
}

// Env is the setting's environment variable.
func (s Setting) Env() string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Numeric reports whether the setting is a number, a size or a duration.
func (s Setting) Numeric() bool {
	return s.Value.CanInt() || s.Value.CanUint() || s.Value.CanFloat()
}

// sized says that an integer is a number of bytes and may be written with a unit.
func sized(key string) bool {
	return strings.HasSuffix(key, "bytes") || strings.HasSuffix(key, "_size")
}

// kind is the setting's type in words.
func (s Setting) kind() string {
	switch s.Value.Interface().(type) {
	case time.Duration:
		return "duration"
	case Bytes:
		return "bytes"
	}
	switch v := s.Value; {
	case isText(v):
		return "text"
	case v.Kind() == reflect.Bool:
		return "true or false"
	case (v.CanInt() || v.CanUint()) && sized(s.Key):
		return "bytes"
	case v.CanInt() || v.CanUint():
		return "whole number"
	case v.CanFloat():
		return "number"
	case v.Kind() == reflect.Slice:
		return "list"
	case v.Kind() == reflect.Map:
		return "map"
	}
	return "text"
}

// String is the value as it would be written in the environment.
func (s Setting) String() string { return format(s.Value, sized(s.Key)) }

func format(v reflect.Value, sized bool) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return FormatDuration(x)
	case Bytes:
		return x.String()
	case encoding.TextMarshaler:
		text, err := x.MarshalText()
		if err != nil {
			return ""
		}
		return string(text)
	}
	switch {
	case v.Kind() == reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = format(v.Index(i), false)
		}
		return strings.Join(parts, ",")
	case v.Kind() == reflect.Map:
		parts := make([]string, 0, v.Len())
		for _, k := range v.MapKeys() {
			parts = append(parts, k.String()+"="+format(v.MapIndex(k), false))
		}
		slices.Sort(parts)
		return strings.Join(parts, ",")
	case sized && v.CanInt() && v.Int() >= 1024:
		return Bytes(v.Int()).String()
	}
	return fmt.Sprint(v.Interface())
}

// safe is String without what must not be shown: secrets, and passwords and tokens inside URLs.
func (s Setting) safe() string {
	text := s.String()
	switch {
	case s.hosts:
		return withoutUsers(text)
	case s.Secret && text != "":
		return "[hidden]"
	}
	return Redact(text)
}

// conceal takes the value of a secret, or one of several in it, out of a text about it.
func (s Setting) conceal(text string) string {
	if !s.Secret {
		return text
	}
	values := []string{s.String()}
	switch s.Value.Kind() {
	case reflect.Map:
		for _, k := range s.Value.MapKeys() {
			values = append(values, format(s.Value.MapIndex(k), false))
		}
	case reflect.Slice:
		for i := range s.Value.Len() {
			values = append(values, format(s.Value.Index(i), false))
		}
	}
	for _, value := range values {
		if value != "" {
			inside := strings.Trim(strconv.Quote(value), `"`) // as %q writes it
			text = strings.NewReplacer(value, "[hidden]", inside, "[hidden]").Replace(text)
		}
	}
	return text
}

// Redact hides passwords and tokens in a text: those before the host of a URL, of which a setting may list several, name:password, of which
// the name is kept, or a token alone, as NATS takes it, also without a scheme; and those after password=, as a URL of a database or a list of
// its keys has it. Where it is not clear what belongs to a password, as in a list without schemes, too much is hidden.
func Redact(text string) string {
	return replaceUsers(passwords.ReplaceAllString(text, "${1}xxxxx"), func(user string) string {
		if name, _, found := strings.Cut(user, ":"); found && !strings.ContainsAny(name, ",/@") {
			return name + ":xxxxx@"
		}
		return "xxxxx@"
	})
}

// withoutUsers leaves of URLs where they lead.
func withoutUsers(text string) string {
	return replaceUsers(passwords.ReplaceAllString(text, "${1}xxxxx"), func(string) string { return "" })
}

var (
	passwords = regexp.MustCompile(`(?i)((?:password|passwd|pwd|token|secret)\s*=\s*)('(?:[^'\\]|\\.)*'?|[^\s&"']+)`)
	words     = regexp.MustCompile(`\S+`)
	// schemes begin a URL of a list. A comma elsewhere may be one of a password.
	schemes = regexp.MustCompile(`(?:^|,)["']?[A-Za-z][A-Za-z0-9+.-]*://`)
)

// replaceUsers replaces what stands before the @ of URLs, the @ included.
func replaceUsers(text string, replace func(user string) string) string {
	return words.ReplaceAllStringFunc(text, func(word string) string {
		var out strings.Builder
		one := func(entry string) {
			at := strings.LastIndexByte(entry, '@')
			if at < 0 {
				out.WriteString(entry)
				return
			}
			quote := entry[:len(entry)-len(strings.TrimLeft(entry, `"'`))]
			out.WriteString(quote + replace(entry[len(quote):at]) + entry[at+1:])
		}
		from := 0
		for _, begin := range schemes.FindAllStringIndex(word, -1) {
			if begin[0] > from {
				one(word[from:begin[0]])
			}
			out.WriteString(word[begin[0]:begin[1]])
			from = begin[1]
		}
		one(word[from:])
		return out.String()
	})
}
