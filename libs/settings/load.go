package settings

import (
	"cmp"
	"encoding"
	"errors"
	"fmt"
	"io"
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

// Config is a struct of settings.
type Config interface {
	// Validate returns an *Error that names every setting that cannot work, by a Problems.
	Validate() error
}

// Asked is what the command line asked for beside the configuration.
type Asked struct {
	Help, Version, Print bool
	Probe                string
}

// Load fills config, a pointer to a struct that holds the defaults, from the file named by --config or OLLY_CONFIG, the environment and
// args, the later over the earlier, and validates it. The error names every setting that is wrong and where its value came from. Help is
// written to usage; when it, the version or a probe is asked for, nothing is read.
func Load(name string, config Config, args []string, usage io.Writer) (Asked, error) {
	var asked Asked
	list := List(config)
	flags, file, all := flagSet(name, list, &asked)
	if err := flags.Parse(args); err != nil {
		return asked, err
	}
	if *all || asked.Help {
		asked.Help = true
		writeUsage(usage, name, list, flags, *all)
		return asked, nil
	}
	if asked.Version || asked.Probe != "" {
		return asked, nil
	}
	v := viper.New()
	if err := takeWords(v, list, flags.Args()); err != nil {
		return asked, err
	}
	if *file == "" {
		*file = os.Getenv(EnvPrefix + "CONFIG")
	}
	var problems Problems
	if *file != "" {
		if err := readFile(v, *file, list, &problems); err != nil {
			return asked, err
		}
	}
	sources := map[string]string{}
	for _, s := range list {
		if err := bind(v, s, flags.Lookup(s.Flag)); err != nil {
			return asked, fmt.Errorf("%s: %w", s.Key, err)
		}
		if !v.IsSet(s.Key) {
			continue
		}
		sources[s.Key] = s.source(v, flags, *file)
		if err := s.decode(v); err != nil {
			text := err.Error()
			if s.Secret {
				text = "the value, which is not shown, is no " + s.kind()
			}
			problems.Refuse(s.Key, "%s", text)
		}
	}
	// What could not be read has its default now: it is complained of once.
	problems.Section("", config.Validate())
	for i, p := range problems.list {
		if p.Source == "" {
			problems.list[i].Source = sources[p.Key]
		}
		for _, s := range list {
			if s.Key == p.Key {
				p.Text = s.conceal(p.Text)
			}
		}
		problems.list[i].Text = Redact(p.Text)
	}
	return asked, problems.Err()
}

func flagSet(name string, list []Setting, asked *Asked) (flags *pflag.FlagSet, file *string, all *bool) {
	flags = pflag.NewFlagSet(name, pflag.ContinueOnError)
	flags.SortFlags = false
	flags.SetOutput(io.Discard)
	flags.BoolVarP(&asked.Help, "help", "h", false, "print the usual flags and exit")
	all = flags.Bool("help-all", false, "print all flags and exit")
	flags.BoolVar(&asked.Version, "version", false, "print the version and exit")
	flags.BoolVar(&asked.Print, "print-config", false, "print the effective configuration, without secrets, and exit")
	flags.StringVar(&asked.Probe, "probe", "", "ask the health URL of a running service, print its answer and exit: 0 means ready")
	file = flags.String("config", "", "configuration file, YAML, TOML or JSON (OLLY_CONFIG)")
	for _, s := range list {
		flag := flags.VarPF(&flagText{text: s.safe(), kind: s.kind()}, s.Flag, "", s.Doc+" ("+s.Env()+")")
		if s.Value.Kind() == reflect.Bool {
			flag.NoOptDefVal = "true"
		}
	}
	return flags, file, all
}

// writeUsage shows the flags that are no settings and the settings that are usual, or all.
func writeUsage(w io.Writer, name string, list []Setting, flags *pflag.FlagSet, all bool) {
	shown := pflag.NewFlagSet(name, pflag.ContinueOnError)
	shown.SortFlags = false
	hidden, words := map[string]bool{}, ""
	for _, s := range list {
		hidden[s.Flag] = !s.Usual && !all
		if s.Arg {
			words = " [" + s.Key + "]"
		}
	}
	left := 0
	flags.VisitAll(func(f *pflag.Flag) {
		if hidden[f.Name] {
			left++
			return
		}
		shown.AddFlag(f)
	})
	_, _ = fmt.Fprintf(w, "Usage: %s%s [flags]\n\n%s", name, words, shown.FlagUsagesWrapped(120))
	if left > 0 {
		_, _ = fmt.Fprintf(w, "\n%d more: --help-all\n", left)
	}
}

// takeWords gives the word that is no flag to the setting that wants one.
func takeWords(v *viper.Viper, list []Setting, words []string) error {
	for _, s := range list {
		if s.Arg && len(words) > 0 {
			v.Set(s.Key, words[0])
			words = words[1:]
		}
	}
	if len(words) > 0 {
		return fmt.Errorf("unknown argument %q; see --help", words[0])
	}
	return nil
}

// bind tells viper where it finds the setting beside the file. An empty variable is an unset one, as compose files pass ${X:-}.
func bind(v *viper.Viper, s Setting, flag *pflag.Flag) error {
	if err := v.BindFlagValue(s.Key, boundFlag{flag}); err != nil {
		return err
	}
	return v.BindEnv(s.Key, s.Env())
}

// boundFlag gives viper a flag's text. Viper's own binding would read the text of a bool and take what it cannot read for false.
type boundFlag struct{ flag *pflag.Flag }

func (b boundFlag) HasChanged() bool    { return b.flag.Changed }
func (b boundFlag) Name() string        { return b.flag.Name }
func (b boundFlag) ValueString() string { return b.flag.Value.String() }
func (boundFlag) ValueType() string     { return "string" }

// source says where the value of a setting that is set came from.
func (s Setting) source(v *viper.Viper, flags *pflag.FlagSet, file string) string {
	switch {
	case s.Arg && flags.NArg() > 0:
		return "the first word"
	case flags.Changed(s.Flag):
		return "--" + s.Flag
	case os.Getenv(s.Env()) != "":
		return s.Env()
	case v.InConfig(s.Key):
		return file
	}
	return ""
}

// decode reads what viper found into the setting.
func (s Setting) decode(v *viper.Viper) error {
	var reason error // in the words of this package, not wrapped in those of the decoder
	hook := func(from, to reflect.Value) (any, error) {
		value, err := convert(from, to, sized(s.Key))
		if err != nil && reason == nil {
			reason = err
		}
		return value, err
	}
	// Into a value of its own: the decoder would add to a map that is the default, and leave of one that fails what it had read.
	read := reflect.New(s.Value.Type())
	err := v.UnmarshalKey(s.Key, read.Interface(), viper.DecodeHook(hook))
	if err = cmp.Or(reason, err); err == nil {
		s.Value.Set(read.Elem())
	}
	return err
}

// convert gives a string from the environment or a flag, or a typed value from a file, the type of the setting, a list's entry or a map's
// value. The decoder's own conversions would cut an integer that is too large and take 010 for 8.
func convert(from, to reflect.Value, sized bool) (any, error) {
	switch to.Kind() {
	case reflect.Slice:
		return entries(from)
	case reflect.Map:
		return pairs(from)
	}
	if !from.IsValid() {
		return nil, errors.New("a single value is wanted, not nothing")
	}
	var text string
	switch x := from.Interface().(type) {
	case string:
		text = x
	case float64:
		text = strconv.FormatFloat(x, 'f', -1, 64)
	case bool, int, int64, uint64:
		text = fmt.Sprint(x)
	case time.Time: // YAML reads dates as times
		text = x.Format(time.RFC3339Nano)
	default:
		return nil, fmt.Errorf("a single value is wanted, not %T", x)
	}
	return scalar(strings.TrimSpace(text), to.Type(), sized)
}

func scalar(text string, t reflect.Type, sized bool) (any, error) {
	v := reflect.New(t).Elem()
	if t == reflect.TypeFor[time.Duration]() {
		return ParseDuration(text)
	}
	if u, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		err := u.UnmarshalText([]byte(text))
		return v.Interface(), err
	}
	bits := 0
	if v.CanInt() || v.CanUint() || v.CanFloat() {
		bits = t.Bits()
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil && sized {
			size, sizeErr := ParseBytes(text)
			if sizeErr != nil {
				return nil, sizeErr
			}
			n, err = int64(size), nil
		}
		if err != nil || v.OverflowInt(n) {
			return nil, fmt.Errorf("%q is not a whole number of %d bits", text, bits)
		}
		v.SetInt(n)
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, bits)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number from 0 of %d bits", text, bits)
		}
		v.SetUint(n)
	case v.CanFloat():
		f, err := strconv.ParseFloat(text, bits)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", text)
		}
		v.SetFloat(f)
	default:
		return nil, fmt.Errorf("settings of type %s are not supported", t)
	}
	return v.Interface(), nil
}

// entries reads a list with commas; that of a file is one already.
func entries(from reflect.Value) (any, error) {
	switch x := from.Interface().(type) {
	case string:
		found := []string{}
		for part := range strings.SplitSeq(x, ",") {
			if part = strings.TrimSpace(part); part != "" {
				found = append(found, part)
			}
		}
		return found, nil
	case []any, []string:
		return x, nil
	default:
		return nil, fmt.Errorf("a list is wanted, not %T", x)
	}
}

// pairs reads name=value,name=value; those of a file are a map already.
func pairs(from reflect.Value) (any, error) {
	switch x := from.Interface().(type) {
	case string:
		found := map[string]string{}
		for part := range strings.SplitSeq(x, ",") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			name, value, ok := strings.Cut(part, "=")
			if !ok {
				return nil, fmt.Errorf("%q is not name=value", part)
			}
			found[strings.TrimSpace(name)] = value
		}
		return found, nil
	case map[string]any, map[string]string:
		return x, nil
	default:
		return nil, fmt.Errorf("a map is wanted, not %T", x)
	}
}

// readFile notes keys that no setting has: a misspelt key must not silently mean the default.
func readFile(v *viper.Viper, path string, list []Setting, problems *Problems) error {
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
	for _, key := range v.AllKeys() {
		known := slices.ContainsFunc(list, func(s Setting) bool {
			return s.Key == key || s.Value.Kind() == reflect.Map && strings.HasPrefix(key, s.Key+".")
		})
		if !known {
			problems.list = append(problems.list, Problem{Key: key, Text: "unknown key" + nearest(key, list), Source: path})
		}
	}
	return nil
}

// nearest offers the known key that is at most three edits away.
func nearest(key string, list []Setting) string {
	best, found := 4, ""
	for _, s := range list {
		if d := editDistance(key, s.Key); d < best {
			best, found = d, s.Key
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

// flagText keeps a flag's text; it is parsed with the other sources, so that their errors look the same.
type flagText struct{ text, kind string }

func (f *flagText) String() string     { return f.text }
func (f *flagText) Set(s string) error { f.text = s; return nil }
func (f *flagText) Type() string {
	if f.kind == "true or false" {
		return "bool"
	}
	return strings.ReplaceAll(f.kind, " ", "-")
}

// Print writes the effective configuration as YAML that can be used as a file again, secrets excepted.
func Print(w io.Writer, config any) error {
	var open []string
	for _, s := range List(config) {
		path := strings.Split(s.Key, ".")
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
		value := s.safe()
		switch s.kind() {
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
