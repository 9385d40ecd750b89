package settings

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type busConfig struct {
	URL      string        `mapstructure:"url" usual:"true" doc:"Where the bus is."`
	MaxBytes int64         `mapstructure:"max_bytes" doc:"Size of a stream."`
	Wait     time.Duration `mapstructure:"wait" doc:"How long."`
	Dialer   func()        `mapstructure:"-"`
}

type roleConfig struct {
	Bus     busConfig         `mapstructure:"bus"`
	Spare   busConfig         `mapstructure:"spare" usual:"wait"`
	Own     ownConfig         `mapstructure:",squash"`
	Command string            `mapstructure:"command" arg:"true" usual:"true" doc:"What to do."`
	Once    bool              `mapstructure:"once" doc:"Run once."`
	Level   uint8             `mapstructure:"level"`
	Small   int8              `mapstructure:"small"`
	Size    Bytes             `mapstructure:"size"`
	Names   []string          `mapstructure:"names"`
	Pauses  []time.Duration   `mapstructure:"pauses"`
	Labels  map[string]string `mapstructure:"labels"`
	Shares  map[string]int    `mapstructure:"shares"`
	Since   time.Time         `mapstructure:"since"`
	Token   string            `mapstructure:"token" secret:"true"`
	Headers map[string]string `mapstructure:"headers" secret:"true"`
}

type ownConfig struct {
	Rate float64 `mapstructure:"rate" flag:"speed"`
}

func (c *roleConfig) Validate() error {
	var p Problems
	p.Section("bus", c.Bus.Validate())
	NotNegative(&p, "rate", c.Own.Rate)
	return p.Err()
}

func (c busConfig) Validate() error {
	var p Problems
	AtLeast(&p, "max_bytes", c.MaxBytes, 0)
	Between(&p, "wait", c.Wait, 0, 7*24*time.Hour)
	return p.Err()
}

func TestASecretIsOfRandomBytesEnough(t *testing.T) {
	t.Parallel()
	for value, good := range map[string]bool{
		"": true, NewSecret(): true, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA": true, // 33 bytes
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==": false, // 31
		"correct horse battery staple correct horse":   false,
		"hunter2": false,
	} {
		var p Problems
		p.Secret("some_key", value, "for every replica")
		if good {
			require.NoError(t, p.Err())
			continue
		}
		require.EqualError(t, p.Err(), "some_key: want base64 of at least 32 random bytes, as `openssl rand -base64 32` makes them, the same for every replica")
	}
	one, other := NewSecret(), NewSecret()
	require.NotEqual(t, one, other)
	require.Len(t, SecretBytes(one), 32)
	require.Empty(t, SecretBytes(""))
}

func defaults() roleConfig {
	return roleConfig{Bus: busConfig{URL: "nats://localhost", MaxBytes: 1 << 30, Wait: time.Minute}, Command: "up"}
}

// loadWith sets environment variables: tests that call it with any cannot run side by side.
func loadWith(t *testing.T, env map[string]string, args ...string) (roleConfig, error) {
	t.Helper()
	for k, v := range env {
		t.Setenv(k, v)
	}
	c := defaults()
	_, err := Load("test", &c, args, &bytes.Buffer{})
	return c, err
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

const file = `
bus: {url: nats://file, max_bytes: 64MiB, wait: 7d}
rate: 2.5
level: 7
size: 2GB
once: true
names: [a, b]
pauses: [1s, 2m]
labels: {x: y}
shares: {a: 1}
since: 2026-01-02
token:
`

func TestSourcesOverrideEachOther(t *testing.T) { //nolint:paralleltest // it sets environment variables
	path := write(t, "c.yaml", file)
	c, err := loadWith(t, nil, "--config", path)
	require.NoError(t, err)
	require.Equal(t, roleConfig{
		Bus:     busConfig{URL: "nats://file", MaxBytes: 64 << 20, Wait: 7 * 24 * time.Hour},
		Command: "up", Own: ownConfig{Rate: 2.5}, Level: 7, Size: 2e9, Once: true, Names: []string{"a", "b"},
		Pauses: []time.Duration{time.Second, 2 * time.Minute}, Labels: map[string]string{"x": "y"}, Shares: map[string]int{"a": 1},
		Since: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
	}, c)

	c, err = loadWith(t, map[string]string{
		"OLLY_CONFIG": path, "OLLY_BUS_URL": "nats://env", "OLLY_BUS_WAIT": "90s", "OLLY_BUS_MAX_BYTES": "7", "OLLY_NAMES": "c, d",
		"OLLY_LABELS": "k=v=w", "OLLY_RATE": "", "OLLY_COMMAND": "sideways", "OLLY_LEVEL": "010", "OLLY_BUS": "nothing", "OLLY_SHARES": "b=2,c=3",
	}, "down", "--bus-url=nats://flag", "--once=false", "--bus-max-bytes", "5")
	require.NoError(t, err)
	require.Equal(t, "nats://flag", c.Bus.URL)
	require.EqualValues(t, 5, c.Bus.MaxBytes)
	require.Equal(t, 90*time.Second, c.Bus.Wait)
	require.Equal(t, []string{"c", "d"}, c.Names)
	require.Equal(t, map[string]string{"k": "v=w"}, c.Labels)
	require.Equal(t, map[string]int{"b": 2, "c": 3}, c.Shares)
	require.Equal(t, "down", c.Command, "the command line wins over the environment")
	require.InDelta(t, 2.5, c.Own.Rate, 0, "an empty variable is an unset one")
	require.EqualValues(t, 10, c.Level, "a leading zero is no octal number")
	require.False(t, c.Once)
}

// Every form of a file reads the same.
func TestFormsOfAFile(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"c.yaml": "bus: {max_bytes: 5, wait: 2s}\nlevel: 3", "c.toml": "level = 3\n[bus]\nmax_bytes = 5\nwait = '2s'",
		"c.json": `{"bus":{"max_bytes":5,"wait":"2s"},"level":3}`, "c": "{bus: {max_bytes: 5, wait: 2s}, level: 3}",
	} {
		c, err := loadWith(t, nil, "--config", write(t, name, text))
		require.NoError(t, err, name)
		require.EqualValues(t, 5, c.Bus.MaxBytes, name)
		require.Equal(t, 2*time.Second, c.Bus.Wait, name)
		require.EqualValues(t, 3, c.Level, name)
	}
}

func TestZeroIsZeroFromEverySource(t *testing.T) { //nolint:paralleltest // it sets environment variables
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
	}{
		"flag":        {args: []string{"--bus-max-bytes=0", "--bus-wait=0", "--bus-url="}},
		"environment": {env: map[string]string{"OLLY_BUS_MAX_BYTES": "0", "OLLY_BUS_WAIT": "0s"}, args: []string{"--bus-url="}},
		"file":        {args: []string{"--config", write(t, "a.yaml", "bus: {max_bytes: 0, wait: 0, url: ''}")}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := loadWith(t, tc.env, tc.args...)
			require.NoError(t, err)
			require.Equal(t, busConfig{}, c.Bus)
		})
	}
}

func TestWrongSettingsAreNamed(t *testing.T) { //nolint:paralleltest // it sets environment variables
	for name, tc := range map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"env":           {env: map[string]string{"OLLY_BUS_WAIT": "5"}, want: `bus.wait (from OLLY_BUS_WAIT): "5" lacks a unit: write 5ms, 5s or 5h`},
		"flag":          {args: []string{"--level=300"}, want: `level (from --level): "300" is not a whole number from 0 of 8 bits`},
		"bool":          {env: map[string]string{"OLLY_ONCE": "perhaps"}, want: `once (from OLLY_ONCE): "perhaps" is neither true nor false`},
		"bool flag":     {args: []string{"--once=perhaps"}, want: `once (from --once): "perhaps" is neither true nor false`},
		"size":          {env: map[string]string{"OLLY_SIZE": "big"}, want: `size (from OLLY_SIZE): "big" is not a size in bytes`},
		"bytes":         {args: []string{"--bus-max-bytes=5XB"}, want: `bus.max_bytes (from --bus-max-bytes): "5XB" is not a size in bytes`},
		"number":        {args: []string{"--speed=fast"}, want: `rate (from --speed): "fast" is not a number`},
		"text":          {args: []string{"--since=soon"}, want: `since (from --since): parsing time "soon"`},
		"entry":         {args: []string{"--pauses=1s,2"}, want: `pauses (from --pauses): "2" lacks a unit`},
		"pair":          {args: []string{"--labels=a"}, want: `labels (from --labels): "a" is not name=value`},
		"secret":        {args: []string{"--headers=hunter2"}, want: `headers (from --headers): the value, which is not shown, is no map`},
		"unknown flag":  {args: []string{"--nope"}, want: "--nope"},
		"unknown word":  {args: []string{"up", "again"}, want: `unknown argument "again"`},
		"missing file":  {args: []string{"--config=/nowhere.yaml"}, want: "configuration file /nowhere.yaml does not exist"},
		"unknown key":   {args: []string{"--config", write(t, "a.yaml", "bus: {ulr: x}")}, want: `unknown key (did you mean "bus.url"?)`},
		"far key":       {args: []string{"--config", write(t, "a.yaml", "colour: red")}, want: "a.yaml): unknown key"},
		"wrong in file": {args: []string{"--config", write(t, "a.yaml", "rate: [1]")}, want: "a single value is wanted"},
		"large in file": {args: []string{"--config", write(t, "a.yaml", "small: 200")}, want: `"200" is not a whole number of 8 bits`},
		"no list":       {args: []string{"--config", write(t, "a.yaml", "names: 5")}, want: "a list is wanted"},
		"no map":        {args: []string{"--config", write(t, "a.yaml", "labels: [5]")}, want: "a map is wanted"},
		"broken file":   {args: []string{"--config", write(t, "a.yaml", "rate: [1")}, want: "a.yaml"},
		"validation":    {env: map[string]string{"OLLY_BUS_WAIT": "8d"}, want: "bus.wait (from OLLY_BUS_WAIT): 8d is not between 0s and 7d"},
		"default":       {args: []string{"--speed=-1"}, want: "rate (from --speed): -1 is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loadWith(t, tc.env, tc.args...)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "hunter")
		})
	}
}

func TestWhatIsSetTakesThePlaceOfTheDefault(t *testing.T) {
	t.Parallel()
	load := func(args ...string) (roleConfig, error) {
		c := defaults()
		c.Labels, c.Pauses = map[string]string{"a": "1"}, []time.Duration{time.Second, time.Minute}
		_, err := Load("test", &c, args, &bytes.Buffer{})
		return c, err
	}
	c, err := load("--labels=b=2", "--pauses=2s")
	require.NoError(t, err)
	require.Equal(t, map[string]string{"b": "2"}, c.Labels)
	require.Equal(t, []time.Duration{2 * time.Second}, c.Pauses)
	c, err = load("--labels=", "--pauses=")
	require.NoError(t, err)
	require.Empty(t, c.Labels)
	require.Empty(t, c.Pauses)
	c, err = load("--config", write(t, "a.yaml", "labels: {b: 2}"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"b": "2"}, c.Labels)
	c, err = load("--pauses=2s,3")
	require.Error(t, err)
	require.Equal(t, []time.Duration{time.Second, time.Minute}, c.Pauses, "what could not be read has its default")
}

func TestEverythingThatIsWrongIsSaidAtOnce(t *testing.T) { //nolint:paralleltest // it sets environment variables
	path := write(t, "a.yaml", "colour: red\nbus: {max_bytes: -3}\nlevel: much")
	_, err := loadWith(t, map[string]string{"OLLY_RATE": "-2"}, "--config", path, "--once=perhaps")
	require.EqualError(t, err, `colour (from `+path+`): unknown key
once (from --once): "perhaps" is neither true nor false
level (from `+path+`): "much" is not a whole number from 0 of 8 bits
bus.max_bytes (from `+path+`): -3 is less than 0
rate (from OLLY_RATE): -2 is negative`)
}

func TestProblemsSayTheValueAndWhatIsAllowed(t *testing.T) {
	t.Parallel()
	var p Problems
	require.NoError(t, p.Err())
	p.OneOf("mode", "x", "", "grpc", "http")
	p.OneOf("mode", "grpc", "", "grpc", "http")
	p.Address("address", "8080")
	p.Address("address", ":8080")
	p.Together("cert", "", "key", "x")
	p.Together("cert", "", "key", "")
	Between(&p, "max_bytes", 1, 1<<20, 64<<20)
	Between(&p, "share", 0.5, 0, 1)
	AtLeast(&p, "wait", time.Millisecond, time.Second)
	Positive(&p, "wait", time.Duration(0))
	Positive(&p, "wait", time.Nanosecond)
	NotNegative(&p, "wait", 0)
	p.Refuse("plain", "100%")
	var outer Problems
	outer.Section("ingest", p.Err())
	outer.Section("", p.Err())
	outer.Section("query", os.ErrClosed)
	outer.Section("query", nil)
	lines := strings.Split(outer.Err().Error(), "\n")
	require.Equal(t, []string{
		`ingest.mode: "x" is not empty, grpc or http`,
		`ingest.address: "8080" is not host:port`,
		`ingest.cert: is to be given together with key, or neither`,
		`ingest.max_bytes: 1 is not between 1MiB and 64MiB`,
		`ingest.wait: 1ms is less than 1s`,
		`ingest.wait: 0s is not above 0`,
		`ingest.plain: 100%`,
	}, lines[:7])
	require.Equal(t, `mode: "x" is not empty, grpc or http`, lines[7])
	require.Equal(t, "query: file already closed", lines[14])
	require.Len(t, lines, 15)
}

func TestHelpShowsWhatIsUsual(t *testing.T) {
	t.Parallel()
	help := func(flag string) string {
		c := defaults()
		c.Bus.Wait = -1 // help is given whatever is wrong
		var out bytes.Buffer
		asked, err := Load("test", &c, []string{flag, "--config=/nowhere"}, &out)
		require.NoError(t, err)
		require.True(t, asked.Help)
		return out.String()
	}
	usual := help("--help")
	require.Contains(t, usual, "Usage: test [command] [flags]")
	for _, flag := range []string{"--help-all", "--version", "--config", "--bus-url", "--spare-wait", "--command"} {
		require.Contains(t, usual, flag)
	}
	for _, flag := range []string{"--bus-wait", "--spare-url", "--once", "--token"} {
		require.NotContains(t, usual, flag)
	}
	require.Contains(t, usual, "more: --help-all\n")
	all := help("--help-all")
	for _, s := range List(new(roleConfig)) {
		require.Contains(t, all, "--"+s.Flag)
		require.Contains(t, all, s.Env())
	}
	require.NotContains(t, all, "more: ")
}

func TestBytesAndDurations(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Bytes{"0": 0, "17": 17, "64MiB": 64 << 20, "1.5 GB": 1.5e9, "3kib": 3072, "-1": -1} {
		got, err := ParseBytes(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := ParseBytes(got.String())
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	for _, text := range []string{"", "MiB", "1XB", "99999999999GiB", "NaN"} {
		_, err := ParseBytes(text)
		require.Error(t, err, text)
	}
	for text, want := range map[string]time.Duration{"7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "250ms": 250 * time.Millisecond, "0": 0} {
		got, err := ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		again, err := ParseDuration(FormatDuration(got))
		require.NoError(t, err)
		require.Equal(t, want, again)
	}
	require.Equal(t, "2h", FormatDuration(2*time.Hour))
	require.Equal(t, "10s", FormatDuration(10*time.Second))
	require.Equal(t, "1h30m", FormatDuration(90*time.Minute))
}

func TestPrintedConfigCanBeReadAgainAndHidesSecrets(t *testing.T) {
	t.Parallel()
	c := defaults()
	c.Bus.URL, c.Token, c.Names = "nats://u:hunter2@host:4222,nats://v:hunter/2@other:4222", "hunter3", []string{"a", "b"}
	var out bytes.Buffer
	require.NoError(t, Print(&out, &c))
	require.NotContains(t, out.String(), "hunter")
	require.Contains(t, out.String(), "bus:\n  url: \"nats://u:xxxxx@host:4222,nats://v:xxxxx@other:4222\"\n  max_bytes: \"1GiB\"\n  wait: \"1m\"\n")
	again, err := loadWith(t, nil, "--config", write(t, "p.yaml", out.String()))
	require.NoError(t, err)
	require.Equal(t, c.Names, again.Names)
	require.Equal(t, c.Bus.Wait, again.Bus.Wait)
}

func TestSecretsAreInNoHelpAndNoProblem(t *testing.T) {
	t.Parallel()
	c := defaults()
	c.Bus.URL, c.Token = "nats://u:hunter2@host", "hunter3"
	var out bytes.Buffer
	_, err := Load("test", &c, []string{"--help-all"}, &out)
	require.NoError(t, err)
	require.NotContains(t, out.String(), "hunter")
}

// NATS takes a token in the place of the name, and servers without a scheme.
func TestPasswordsAndTokensInURLsAreHidden(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"nats://hunter2@host:4222":                       "nats://xxxxx@host:4222",
		"nats://hunter2@host:4222, tls://hunter3@other":  "nats://xxxxx@host:4222, tls://xxxxx@other",
		"hunter2@host:4222,u:hunter3@other,third:4222":   "xxxxx@other,third:4222", // or is it one password?
		"nats://u:hun,ter2@h":                            "nats://u:xxxxx@h",
		"nats://hun,ter2@h,nats://v:h@unt,er2@g:1":       "nats://xxxxx@h,nats://v:xxxxx@g:1",
		"postgres://u@h/d?password=hunter2&sslmode=off":  "postgres://xxxxx@h/d?password=xxxxx&sslmode=off",
		"nats://u:hunter2@host,nats://hunter3@other:1":   "nats://u:xxxxx@host,nats://xxxxx@other:1",
		"nats://:hunter2@host":                           "nats://:xxxxx@host",
		"nats://u:hunter@2/3:4@host":                     "nats://u:xxxxx@host",
		"nats://host:4222,nats://[::1]:4222,other:4222":  "nats://host:4222,nats://[::1]:4222,other:4222",
		"http://collector:4318/v1?a=b":                   "http://collector:4318/v1?a=b",
		"https://hunter2@collector:4318/with/a/path?a=b": "https://xxxxx@collector:4318/with/a/path?a=b",
	} {
		c := defaults()
		c.Bus.URL = url
		var shown, usage bytes.Buffer
		require.NoError(t, Print(&shown, &c))
		_, err := Load("test", &c, []string{"--help-all"}, &usage)
		require.NoError(t, err)
		require.Contains(t, shown.String(), "url: \""+want+"\"\n")
		require.NotContains(t, shown.String()+usage.String(), "hunter")
		_, err = loadWith(t, nil, "--bus-wait", url)
		require.ErrorContains(t, err, `bus.wait (from --bus-wait): "`+want+`" is not a duration`)
	}
}

func TestDocumentListsEverySetting(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	explain := func(owner reflect.Type, field string) string { return owner.Name() + " " + field }
	require.NoError(t, Document(&out, []Section{{Title: "Writer", Text: "Writes.", Config: defaults(), Hide: []string{"spare."}}}, explain))
	for _, line := range []string{
		"| `bus.max_bytes` | `OLLY_BUS_MAX_BYTES` | `1GiB` | Size of a stream. |",
		"| `bus.wait` | `OLLY_BUS_WAIT` | `1m` | How long. |",
		"| `command` | `OLLY_COMMAND` | `up` | What to do. The first word of the command line sets it. |",
		"| `rate` | `OLLY_RATE` | `0` | ownConfig Rate |",
	} {
		require.Contains(t, out.String(), line+"\n")
	}
	require.NotContains(t, out.String(), "spare.")
}

func TestPasswordsOfConnectionStringsAreHidden(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"host=db password=hunter2 user=olly":              "host=db password=xxxxx user=olly",
		`host=db password='hunter\'s 2' user=olly`:        "host=db password=xxxxx user=olly",
		"host=db sslpassword = hunter2":                   "host=db sslpassword = xxxxx",
		`"postgres://h/d?x=1&PASSWORD=hunter2" is no URL`: `"postgres://h/d?x=1&PASSWORD=xxxxx" is no URL`,
		"cannot dial nats://u:hun,ter2@h: refused":        "cannot dial nats://u:xxxxx@h: refused",
		"the password is too short":                       "the password is too short",
	} {
		require.Equal(t, want, Redact(text))
	}
}

// secretive refuses all that it has, and tells it.
type secretive struct {
	Servers string            `mapstructure:"servers" secret:"hosts" doc:"Where."`
	Token   string            `mapstructure:"token" secret:"true" doc:"Who."`
	Headers map[string]string `mapstructure:"headers" secret:"true" doc:"What."`
}

func (s secretive) Validate() error {
	var p Problems
	p.OneOf("servers", s.Servers, "none")
	p.OneOf("token", s.Token, "none")
	p.OneOf("headers", s.Headers["authorization"], "none")
	return p.Err()
}

func TestNoProblemTellsASecret(t *testing.T) {
	t.Parallel()
	c := secretive{}
	_, err := Load("test", &c, []string{"--servers=nats://a:1,tls://hunter2@b:2", "--token=hunt\"er3", "--headers=authorization=hunter4,x=hunter5"}, io.Discard)
	for _, key := range []string{"servers (from --servers)", "token (from --token)", "headers (from --headers)"} {
		require.ErrorContains(t, err, key+`: "[hidden]" is not none`)
	}
	var shown bytes.Buffer
	require.NoError(t, Print(&shown, &c))
	require.Equal(t, "servers: \"nats://a:1,tls://b:2\"\ntoken: \"[hidden]\"\nheaders: \"[hidden]\"\n", shown.String())
}
