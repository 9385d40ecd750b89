package ceiling

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// An attack runs in a process of its own, which yields to all others: what legal use has to wait for is then the role that is attacked, and
// not who attacks it, whose work on the same machine would count for the role's.

// attackVariable in the environment has this program attack; it names the scenario.
const attackVariable = "OLLY_CEILING_ATTACK"

// order is what the attacker is told.
type order struct {
	Target target
	Size   Size
}

// report is what it says in the end.
type report struct {
	Answers answers
	Error   string `json:",omitempty"`
}

// ready is what it says when it has made what it is going to send.
const ready = "ready"

// attacker is an attack that is ready to begin.
type attacker struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// attacker starts the process of an attack and waits until it is ready.
func (s *stage) attacker(ctx context.Context, sc scenario) (*attacker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	a := &attacker{cmd: exec.CommandContext(ctx, "nice", "-n", "19", self)}
	a.cmd.Env = append(os.Environ(), attackVariable+"="+sc.name)
	a.cmd.Stderr = s.cfg.Log
	a.cmd.SysProcAttr = processAttributes()
	if a.in, err = a.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	a.out = bufio.NewReader(out)
	if err := a.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start an attack: %w", err)
	}
	if err := json.NewEncoder(a.in).Encode(order{s.target, s.cfg.Size}); err != nil {
		return nil, errors.Join(err, a.cmd.Wait())
	}
	if line, err := a.out.ReadString('\n'); strings.TrimSpace(line) != ready {
		return nil, fmt.Errorf("prepare an attack: %q: %w", line, cmp.Or(errors.Join(err, a.cmd.Wait()), errors.ErrUnsupported))
	}
	return a, nil
}

// run has it attack and waits for its end.
func (a *attacker) run() (answers, error) {
	_ = a.in.Close() // the sign to begin
	var r report
	err := json.NewDecoder(a.out).Decode(&r)
	if r.Error != "" {
		err = errors.New(r.Error)
	}
	return r.Answers, errors.Join(err, a.cmd.Wait())
}

// Attack is the process of an attack, where this one is meant to be that: its exit code, and true.
func Attack(ctx context.Context, in io.Reader, out io.Writer) (code int, ok bool) {
	name := os.Getenv(attackVariable)
	if name == "" {
		return 0, false
	}
	got, err := attack(ctx, name, in, out)
	r := report{Answers: got}
	if err != nil {
		r.Error = err.Error()
	}
	if json.NewEncoder(out).Encode(r) != nil {
		return 1, true
	}
	return 0, true
}

func attack(ctx context.Context, name string, in io.Reader, out io.Writer) (answers, error) {
	reader := json.NewDecoder(in)
	var o order
	if err := reader.Decode(&o); err != nil {
		return nil, fmt.Errorf("read what is to be attacked: %w", err)
	}
	for _, sc := range scenarios(o.Size) {
		if sc.name != name {
			continue
		}
		once, err := sc.attack(o.Target)
		if err != nil {
			return nil, err
		}
		fmt.Fprintln(out, ready)
		if err := reader.Decode(&struct{}{}); !errors.Is(err, io.EOF) { // waits for the sign to begin
			return nil, errors.Join(errors.New("no sign to begin"), err)
		}
		return again(ctx, sc, o.Size.Hold, once)
	}
	return nil, fmt.Errorf("no scenario is named %q", name)
}

// again attacks once, or in rounds for a time.
func again(ctx context.Context, sc scenario, hold time.Duration, once func(context.Context) (answers, error)) (answers, error) {
	sum := answers{}
	for began := time.Now(); ; {
		got, err := once(ctx)
		for what, n := range got {
			sum[what] += n
		}
		if err != nil || !sc.rounds || time.Since(began) >= hold || ctx.Err() != nil {
			return sum, err
		}
	}
}
