package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ollyscale/ollyscale/libs/settings"
)

// Exit codes of a program.
const (
	ExitOK     = 0
	ExitFailed = 1   // it ran, or tried to, and failed
	ExitUsage  = 2   // bad flag, file or environment: nothing was started
	exitKilled = 130 // a second signal did not wait for the drain
)

// process is the configuration that every program has beside its role's.
type process struct {
	Log           LogConfig     `mapstructure:"log"`
	Tracing       TracingConfig `mapstructure:"tracing"`
	Insecure      bool          `mapstructure:"insecure" usual:"true" doc:"Listen also where other machines reach a port whose requests nothing authenticates: then whoever reaches it writes and reads as any tenant."`
	Memory        MemoryConfig  `mapstructure:"memory"`
	DrainDeadline time.Duration `mapstructure:"drain_deadline" doc:"How long a stopping part may take to finish what it holds; above 0."`
}

func (p process) validate() error {
	var problems settings.Problems
	problems.Section("log", p.Log.Validate())
	problems.Section("tracing", p.Tracing.Validate())
	problems.Section("memory", p.Memory.Validate())
	settings.Positive(&problems, "drain_deadline", p.DrainDeadline)
	return problems.Err()
}

// configuration is that of a program: its role's and what every program has.
type configuration[C settings.Config] struct {
	Role    C       `mapstructure:",squash"`
	Process process `mapstructure:",squash"`
}

// Validate is both parts'.
func (c *configuration[C]) Validate() error {
	var problems settings.Problems
	problems.Section("", c.Process.validate())
	problems.Section("", c.Role.Validate())
	return problems.Err()
}

func defaultProcess() process {
	return process{
		Log:           LogConfig{Level: "info", Format: "json"},
		Tracing:       TracingConfig{Ratio: 0.1},
		Memory:        MemoryConfig{Share: 0.9},
		DrainDeadline: DefaultDrain,
	}
}

// CommonSettings is the section of the configuration page with what every program has.
func CommonSettings() settings.Section {
	return settings.Section{Title: "Every service", Config: defaultProcess()}
}

// Program is one command line: it parses args, runs until ctx ends, and returns the exit code.
type Program func(ctx context.Context, args []string, stdout, stderr io.Writer) int

// Option changes a default that all programs share.
type Option func(*process)

// WithLog sets the default of the log settings: json for a service, text for a command at a terminal.
func WithLog(c LogConfig) Option { return func(p *process) { p.Log = c } }

// Main is a role's main: it runs the program until SIGINT or SIGTERM, which drain it; a second one ends it at once. It does
// not return.
func Main[C settings.Config, R Role](name string, defaults C, build func(C, Env) (R, error), options ...Option) {
	Exec(NewProgram(name, defaults, build, options...))
}

// samePress is how soon after the first a second signal is taken for the first.
const samePress = 500 * time.Millisecond

// Exec runs a program as the process: signals in, exit code out.
func Exec(run Program) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		cancel(fmt.Errorf("received %s", <-signals))
		first := time.Now()
		for range signals {
			// A shell, make or timeout may pass on the signal that the terminal has already sent: that is the same one.
			if time.Since(first) > samePress {
				os.Exit(exitKilled)
			}
		}
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Commands chooses a program by the first argument; fallback is taken when it is a flag or missing.
func Commands(name, fallback string, programs map[string]Program) Program {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		command := fallback
		if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
			command, args = args[0], args[1:]
		}
		run, ok := programs[command]
		if !ok {
			_, _ = fmt.Fprintf(stderr, "%s: unknown command %q: want %s\n", name, command, strings.Join(slices.Sorted(maps.Keys(programs)), ", "))
			return ExitUsage
		}
		return run(ctx, args, stdout, stderr)
	}
}

// NewProgram makes the command line of one role: flags over environment over file over defaults, a logger, metrics, the ops
// listener where the configuration has one (a field `Ops OpsConfig`), and the role.
func NewProgram[C settings.Config, R Role](name string, defaults C, build func(C, Env) (R, error), options ...Option) Program {
	return func(ctx context.Context, args []string, stdout, stderr io.Writer) int {
		all := configuration[C]{Role: defaults, Process: defaultProcess()}
		for _, o := range options {
			o(&all.Process)
		}
		asked, err := settings.Load(name, &all, args, stdout)
		switch {
		case err != nil:
			complain(stderr, name, err)
			return ExitUsage
		case asked.Help:
			return ExitOK
		case asked.Version:
			_, _ = fmt.Fprintln(stdout, versionLine(name))
			return ExitOK
		case asked.Probe != "":
			return probe(ctx, asked.Probe, stdout)
		case asked.Print:
			if settings.Print(stdout, &all) != nil {
				return ExitFailed
			}
			return ExitOK
		}
		if err := runRole(ctx, name, all, build, stderr); err != nil {
			if all.Process.Log.Format == "text" { // somebody reads this at a terminal
				complain(stderr, name, err)
			} else {
				log, _ := newLogger(all.Process.Log, stderr)
				log.ErrorContext(ctx, "failed", "role", name, "error", err.Error())
			}
			return ExitFailed
		}
		return ExitOK
	}
}

// complain writes an error for a person: one line for each error that was joined, none broken by what a library put into it.
func complain(w io.Writer, name string, err error) {
	text := strings.ReplaceAll(strings.TrimPrefix(err.Error(), name+": "), "\n\t", " ")
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintf(w, "%s: %s\n", name, line)
	}
}

func runRole[C settings.Config, R Role](ctx context.Context, name string, all configuration[C], build func(C, Env) (R, error), stderr io.Writer) (err error) {
	log, level := newLogger(all.Process.Log, stderr)
	own, err := NewTelemetry(name)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, own.Close(closing))
	}()
	own.Trace(all.Process.Tracing, log)
	env := own.Env(name, log)
	env.level, env.insecure = level, all.Process.Insecure
	env.Memory = startMemory(ctx, all.Process.Memory, env.Log)

	group := Group{Log: env.Log, Drain: all.Process.DrainDeadline}
	if ops := findOps(&all.Role); ops.Address != "" {
		// Bound before the role is built: a second instance collides here and not halfway.
		l, err := env.Listen(ctx, Port{What: "health and metrics", Address: ops.Address, Setting: "ops.address (OLLY_OPS_ADDRESS)"})
		if err != nil {
			return err
		}
		group.Add("ops", func(ctx context.Context) error { return serveOps(ctx, l, env, ops.Debug) })
		defer func() { _ = l.Close() }() // serveOps closed it if it ran
	}
	role, err := build(all.Role, env)
	if err != nil {
		return err
	}
	group.Add("memory", trim)
	group.Add(name, role.Run)
	env.Log.InfoContext(ctx, "starting", "version", Version())
	err = group.Run(ctx)
	if cause := context.Cause(ctx); cause != nil {
		env.Log.InfoContext(ctx, "ended", "cause", cause.Error())
	} else {
		env.Log.InfoContext(ctx, "ended")
	}
	return err
}
