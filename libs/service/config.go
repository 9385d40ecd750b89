package service

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// EnvPrefix starts the name of every environment variable: bus.url is OLLY_BUS_URL.
const EnvPrefix = "OLLY_"

// leaf is one setting of a Config struct.
type leaf struct {
	key    string // "bus.max_bytes"
	flag   string // "bus-max-bytes"
	doc    string
	secret bool
	arg    bool
	value  reflect.Value // settable, inside the struct that was walked
	owner  reflect.Type  // the struct that has it, and its field there
	field  string
}

func (l leaf) env() string { return EnvPrefix + strings.ToUpper(strings.ReplaceAll(l.key, ".", "_")) }

// sized says that an integer is a number of bytes and may be written with a unit.
func (l leaf) sized() bool {
	return strings.HasSuffix(l.key, "bytes") || strings.HasSuffix(l.key, "_size")
}

// kind is the setting's type in words.
func (l leaf) kind() string {
	switch l.value.Interface().(type) {
	case time.Duration:
		return "duration"
	case Bytes:
		return "bytes"
	}
	if _, ok := reflect.TypeAssert[encoding.TextUnmarshaler](l.value.Addr()); ok {
		return "text"
	}
	switch l.value.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if l.sized() {
			return "bytes"
		}
		return "whole number"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice:
		return "list"
	case reflect.Map:
		return "map"
	}
	return "text"
}

// String is the value as it would be written in the environment.
func (l leaf) String() string { return formatValue(l.value, l.sized()) }

func formatValue(v reflect.Value, sized bool) string {
	switch x := v.Interface().(type) {
	case time.Duration:
		return formatDuration(x)
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
			parts[i] = formatValue(v.Index(i), false)
		}
		return strings.Join(parts, ",")
	case v.Kind() == reflect.Map:
		parts := make([]string, 0, v.Len())
		for _, k := range v.MapKeys() {
			parts = append(parts, k.String()+"="+formatValue(v.MapIndex(k), false))
		}
		slices.Sort(parts)
		return strings.Join(parts, ",")
	case sized && v.CanInt() && v.Int() >= 1024:
		return Bytes(v.Int()).String()
	}
	return fmt.Sprint(v.Interface())
}

// safe is String without what must not be shown: secrets, and passwords inside URLs.
func (l leaf) safe() string {
	s := l.String()
	if l.secret && s != "" {
		return "[hidden]"
	}
	if l.value.Kind() == reflect.String && strings.Contains(s, "://") {
		if u, err := url.Parse(s); err == nil && u.User != nil {
			return u.Redacted()
		}
	}
	return s
}

// walk lists the settings of the struct that config points to. A field without a mapstructure name is not a setting; a nested
// struct adds its name to the key, an embedded or ",squash" one does not.
func walk(config any) []leaf {
	var leaves []leaf
	var visit func(v reflect.Value, prefix string)
	visit = func(v reflect.Value, prefix string) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			name, options, _ := strings.Cut(field.Tag.Get("mapstructure"), ",")
			if name == "-" || (name == "" && options != "squash") {
				continue
			}
			key := prefix + name
			value := v.Field(i)
			_, isText := reflect.TypeAssert[encoding.TextUnmarshaler](value.Addr())
			if value.Kind() == reflect.Struct && !isText {
				if options != "squash" {
					key += "."
				}
				visit(value, key)
				continue
			}
			flag := field.Tag.Get("flag")
			if flag == "" {
				flag = strings.NewReplacer(".", "-", "_", "-").Replace(key)
			}
			leaves = append(leaves, leaf{
				key: key, flag: flag, doc: field.Tag.Get("doc"), secret: field.Tag.Get("secret") == "true",
				arg: prefix == "" && field.Tag.Get("arg") == "true", value: value, owner: v.Type(), field: field.Name,
			})
		}
	}
	visit(reflect.ValueOf(config).Elem(), "")
	return leaves
}

// set parses raw, a string from the environment or a flag or a typed value from a file, into the leaf.
func (l leaf) set(raw any) error {
	return setValue(l.value, raw, l.sized())
}

func setValue(v reflect.Value, raw any, sized bool) error {
	switch v.Kind() {
	case reflect.Slice:
		return setSlice(v, raw)
	case reflect.Map:
		return setMap(v, raw)
	}
	var text string
	switch x := raw.(type) {
	case string:
		text = x
	case bool, int, int64, uint64, float64:
		text = fmt.Sprint(x)
		if f, ok := x.(float64); ok {
			text = strconv.FormatFloat(f, 'f', -1, 64)
		}
	case time.Time: // YAML reads dates as times
		text = x.Format(time.RFC3339Nano)
	default:
		return fmt.Errorf("a single value is wanted, not %T", raw)
	}
	text = strings.TrimSpace(text)
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d, err := parseDuration(text)
		if err == nil {
			v.SetInt(int64(d))
		}
		return err
	}
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		return u.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil && sized {
			b, sizeErr := ParseBytes(text)
			n, err = int64(b), sizeErr
			if err != nil {
				return err
			}
		}
		if err != nil || v.OverflowInt(n) {
			return fmt.Errorf("%q is not a whole number of %d bits", text, v.Type().Bits())
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a whole number from 0 of %d bits", text, v.Type().Bits())
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(text, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%q is not a number", text)
		}
		v.SetFloat(f)
	default:
		return fmt.Errorf("settings of type %s are not supported", v.Type())
	}
	return nil
}

func setSlice(v reflect.Value, raw any) error {
	var items []any
	switch x := raw.(type) {
	case []any:
		items = x
	case string:
		for part := range strings.SplitSeq(x, ",") {
			if part = strings.TrimSpace(part); part != "" {
				items = append(items, part)
			}
		}
	default:
		return fmt.Errorf("a list is wanted, not %T", raw)
	}
	list := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if err := setValue(list.Index(i), item, false); err != nil {
			return fmt.Errorf("entry %d: %w", i+1, err)
		}
	}
	v.Set(list)
	return nil
}

func setMap(v reflect.Value, raw any) error {
	pairs := map[string]any{}
	switch x := raw.(type) {
	case map[string]any:
		pairs = x
	case string:
		for part := range strings.SplitSeq(x, ",") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return fmt.Errorf("%q is not name=value", part)
			}
			pairs[strings.TrimSpace(name)] = value
		}
	default:
		return fmt.Errorf("a map is wanted, not %T", raw)
	}
	m := reflect.MakeMapWithSize(v.Type(), len(pairs))
	for name, item := range pairs {
		value := reflect.New(v.Type().Elem()).Elem()
		if err := setValue(value, item, false); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		m.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), value)
	}
	v.Set(m)
	return nil
}

// loaded is what the command line asked for beside the configuration.
type loaded struct {
	printConfig, version, help bool
	probe                      string
}

// load fills config, a pointer to a struct that holds the defaults, from the file named by --config or OLLY_CONFIG, the
// environment and args, the later over the earlier. An error names the setting and where its value came from.
func load(name string, config any, args []string, lookupEnv func(string) (string, bool), usage io.Writer) (loaded, error) {
	var l loaded
	leaves := walk(config)
	flags := pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SortFlags = false
	flags.SetOutput(io.Discard)
	flags.BoolVarP(&l.help, "help", "h", false, "print this and exit")
	flags.BoolVar(&l.version, "version", false, "print the version and exit")
	flags.BoolVar(&l.printConfig, "print-config", false, "print the effective configuration, without secrets, and exit")
	flags.StringVar(&l.probe, "probe", "", "ask the health URL of a running service, print its answer and exit: 0 means ready")
	file := flags.String("config", "", "configuration file, YAML, TOML or JSON (OLLY_CONFIG)")
	for _, leaf := range leaves {
		flag := flags.VarPF(&flagValue{text: leaf.safe(), kind: leaf.kind()}, leaf.flag, "", leaf.doc+" ("+leaf.env()+")")
		if leaf.value.Kind() == reflect.Bool {
			flag.NoOptDefVal = "true"
		}
	}
	if err := flags.Parse(args); err != nil {
		return l, err
	}
	if l.help {
		_, _ = fmt.Fprintf(usage, "Usage: %s [flags]\n\n%s", name, flags.FlagUsagesWrapped(120))
		return l, nil
	}
	if l.version {
		return l, nil
	}
	words := flags.Args()
	for _, leaf := range leaves {
		if leaf.arg && len(words) > 0 {
			if err := leaf.set(words[0]); err != nil {
				return l, fmt.Errorf("%s: %w", leaf.key, err)
			}
			words = words[1:]
		}
	}
	if len(words) > 0 {
		return l, fmt.Errorf("unknown argument %q; see --help", words[0])
	}

	v := viper.New()
	if *file == "" {
		*file, _ = lookupEnv(EnvPrefix + "CONFIG")
	}
	if *file != "" {
		if err := readFile(v, *file, leaves); err != nil {
			return l, err
		}
	}
	var errs []error
	for _, leaf := range leaves {
		var (
			raw    any
			source string
		)
		env, envSet := lookupEnv(leaf.env())
		switch flag := flags.Lookup(leaf.flag); {
		case flag.Changed:
			raw, source = flag.Value.String(), "--"+leaf.flag
		case envSet && env != "": // an empty variable is an unset one, as compose files pass ${X:-}
			raw, source = env, leaf.env()
		case v.InConfig(leaf.key) || v.IsSet(leaf.key):
			raw, source = v.Get(leaf.key), *file
		default:
			continue
		}
		if raw == nil {
			continue // "key:" in a YAML file: the default
		}
		if err := leaf.set(raw); err != nil {
			errs = append(errs, fmt.Errorf("%s (from %s): %w", leaf.key, source, err))
		}
	}
	return l, errors.Join(errs...)
}

// readFile refuses keys that no setting has: a misspelt key must not silently mean the default.
func readFile(v *viper.Viper, path string, leaves []leaf) error {
	v.SetConfigFile(path)
	if filepath.Ext(path) == "" {
		v.SetConfigType("yaml")
	}
	if err := v.ReadInConfig(); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("configuration file %s does not exist", path)
		}
		return fmt.Errorf("configuration file %s: %w", path, err)
	}
	var errs []error
	for _, key := range v.AllKeys() {
		known := slices.ContainsFunc(leaves, func(l leaf) bool {
			return l.key == key || l.value.Kind() == reflect.Map && strings.HasPrefix(key, l.key+".")
		})
		if !known {
			errs = append(errs, fmt.Errorf("configuration file %s: unknown key %q%s", path, key, nearest(key, leaves)))
		}
	}
	return errors.Join(errs...)
}

// nearest offers the known key that is at most three edits away.
func nearest(key string, leaves []leaf) string {
	best, found := 4, ""
	for _, l := range leaves {
		if d := editDistance(key, l.key); d < best {
			best, found = d, l.key
		}
	}
	if found == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", found)
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// printConfig writes the effective configuration as YAML that can be used as a file again, secrets excepted.
func printConfig(w io.Writer, config any) error {
	var open []string
	for _, l := range walk(config) {
		path := strings.Split(l.key, ".")
		depth := 0
		for depth < len(path)-1 && depth < len(open) && open[depth] == path[depth] {
			depth++
		}
		for ; depth < len(path)-1; depth++ {
			if _, err := fmt.Fprintf(w, "%s%s:\n", strings.Repeat("  ", depth), path[depth]); err != nil {
				return err
			}
		}
		open = path[:len(path)-1]
		value := l.safe()
		switch l.kind() {
		case "true or false", "whole number", "number":
		default:
			value = strconv.Quote(value)
		}
		if _, err := fmt.Fprintf(w, "%s%s: %s\n", strings.Repeat("  ", len(open)), path[len(path)-1], value); err != nil {
			return err
		}
	}
	return nil
}

// flagValue keeps a flag's text; it is parsed with the other sources, so that their errors look the same.
type flagValue struct{ text, kind string }

func (f *flagValue) String() string     { return f.text }
func (f *flagValue) Set(s string) error { f.text = s; return nil }
func (f *flagValue) Type() string {
	if f.kind == "true or false" {
		return "bool"
	}
	return strings.ReplaceAll(f.kind, " ", "-")
}
