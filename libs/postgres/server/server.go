// Package server starts and stops a local PostgreSQL server from a directory of binaries: for all-in-one, which brings its own
// database, and for tests. It knows processes and files only; it links no driver.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Config says which server to start and where. BinDir and DataDir are required.
type Config struct {
	// BinDir holds initdb and postgres.
	BinDir string
	// DataDir is the database cluster; it is initialised when it is missing or empty. Parents are made.
	DataDir string
	// Port on 127.0.0.1; 0 chooses a free one.
	Port int
	// User is the operating system user to run as when the caller is root (PostgreSQL refuses root); "" means nobody. It is ignored
	// for other callers.
	User string
	// PasswordFile holds the password of the superuser, which every connection must give then; it is made, with a random one, for the caller
	// alone, in the form of psql's PGPASSFILE, and an existing cluster is changed to demand it. "" trusts whoever reaches the server, which
	// every account of the machine does: for tests.
	PasswordFile string
	// Settings are configuration parameters that override the defaults, as in postgresql.conf.
	Settings map[string]string
	// Log receives the output of initdb and postgres; nil discards it.
	Log io.Writer
	// TakeOver stops a server that still runs on the data directory, as one does for a moment whose parent was killed. It is for a caller
	// that knows that nobody else uses the directory. Without it such a server is only waited for.
	TakeOver bool
}

// Server is a running PostgreSQL server.
type Server struct {
	cfg    Config
	port   int
	socket string // directory of the Unix socket, removed by Stop

	password string // "" where everybody is trusted

	cmd  *exec.Cmd
	done chan struct{}

	mu       sync.Mutex
	stopping bool
	err      error
}

const superuser = "postgres"

// Start initialises the cluster if there is none, starts the server and returns when it accepts connections, at the latest when ctx
// ends. The server listens on 127.0.0.1 and on a Unix socket in a private directory, and asks for a password as cfg.PasswordFile says.
//
// Errors have the codes "postgres.binaries", "postgres.data_directory", "postgres.port", "postgres.user", "postgres.password"
// (fault.Invalid) or "postgres.start" (fault.Unavailable, with the last lines of the server's log in the message).
func Start(ctx context.Context, cfg Config) (*Server, error) {
	// A link in a directory that only root may enter can lead to binaries that anybody may run.
	if target, err := filepath.EvalSymlinks(cfg.BinDir); err == nil {
		cfg.BinDir = target
	}
	for _, name := range []string{"initdb", "postgres"} {
		if _, err := os.Stat(filepath.Join(cfg.BinDir, name)); err != nil {
			return nil, ErrBinaries.Wrap(err, fmt.Sprintf("no PostgreSQL in %s: %s is missing", cfg.BinDir, name))
		}
	}
	owner, err := runAs(cfg.User)
	if err != nil {
		return nil, err
	}
	dataDir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	cfg.DataDir = dataDir
	if err := initCluster(ctx, cfg, owner); err != nil {
		return nil, err
	}
	if err := endPrevious(ctx, cfg); err != nil {
		return nil, err
	}
	password := ""
	if cfg.PasswordFile != "" {
		if password, err = demandPassword(ctx, cfg, owner); err != nil {
			return nil, err
		}
	}
	port, err := choosePort(cfg.Port)
	if err != nil {
		return nil, err
	}
	socket, err := socketDir(owner)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, port: port, socket: socket, password: password, done: make(chan struct{})}
	if err := s.start(ctx, owner); err != nil {
		_ = os.RemoveAll(socket)
		return nil, err
	}
	return s, nil
}

// account is the user to run as; nil means the caller's own.
type account struct {
	name     string
	uid, gid uint32
}

func runAs(name string) (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil //nolint:nilnil // no account means: as the caller
	}
	if name == "" {
		name = "nobody"
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, errUser.Wrap(err, fmt.Sprintf("PostgreSQL does not run as root, and there is no user %q to run it as", name))
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err1, err2); err != nil || uid == 0 {
		return nil, errUser.Wrap(err, fmt.Sprintf("user %q cannot run PostgreSQL: want an unprivileged user", name))
	}
	return &account{name: name, uid: uint32(uid), gid: uint32(gid)}, nil
}

func (a *account) own(path string) error {
	if a == nil {
		return nil
	}
	return os.Chown(path, int(a.uid), int(a.gid))
}

// command prepares a program of PostgreSQL to run as the owner, in the C locale, with nothing of the caller's PG… environment.
func command(cfg Config, owner *account, program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(cfg.BinDir, program), args...) //nolint:noctx // stopped by signal: killing would cost a recovery
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cfg.DataDir, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = processAttributes()
	if owner != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: owner.uid, Gid: owner.gid}
	}
	return cmd
}

// initCluster runs initdb into a directory that is made visible under its name only when it is complete, so that a killed first
// start does not leave half a cluster behind.
func initCluster(ctx context.Context, cfg Config, owner *account) error {
	entries, err := os.ReadDir(cfg.DataDir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return errDataDirectory.Wrap(err, fmt.Sprintf("cannot read the data directory %s", cfg.DataDir))
	}
	version, err := os.ReadFile(filepath.Join(cfg.DataDir, "PG_VERSION"))
	if err == nil {
		return checkCluster(ctx, cfg, owner, strings.TrimSpace(string(version)))
	}
	if len(entries) > 0 {
		return errDataDirectory.Newf("%s is not empty and holds no PostgreSQL cluster", cfg.DataDir)
	}
	fresh := cfg.DataDir + ".new"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove an unfinished cluster: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(cfg.DataDir), 0o755); err != nil { //nolint:gosec // the unprivileged owner must pass through
		return errDataDirectory.Wrap(err, fmt.Sprintf("cannot make %s", filepath.Dir(cfg.DataDir)))
	}
	if err := os.Mkdir(fresh, 0o700); err != nil {
		return errDataDirectory.Wrap(err, fmt.Sprintf("cannot make %s", fresh))
	}
	if err := owner.own(fresh); err != nil {
		return fmt.Errorf("hand %s to %s: %w", fresh, owner.name, err)
	}
	tail := &tail{next: cfg.Log}
	cmd := command(cfg, owner, "initdb", "-D", fresh, "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	cmd.Stdout, cmd.Stderr = tail, tail
	if err := run(ctx, cmd); err != nil {
		_ = os.RemoveAll(fresh)
		return errStart.Wrap(err, fmt.Sprintf("initdb in %s: %s", cfg.DataDir, tail.last()))
	}
	if err := os.Remove(cfg.DataDir); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the empty data directory: %w", err)
	}
	if err := os.Rename(fresh, cfg.DataDir); err != nil {
		return fmt.Errorf("name the new cluster: %w", err)
	}
	return nil
}

// checkCluster refuses a cluster that these binaries cannot open, before they say so in their own words.
func checkCluster(ctx context.Context, cfg Config, owner *account, version string) error {
	var out strings.Builder
	cmd := command(cfg, owner, "postgres", "--version")
	cmd.Stdout = &out
	if err := run(ctx, cmd); err != nil {
		if ctx.Err() != nil { // it was ended by us: nothing is known of it
			return errStart.Wrap(err, fmt.Sprintf("the PostgreSQL in %s did not say its version in time", cfg.BinDir))
		}
		return ErrBinaries.Wrap(err, fmt.Sprintf("the PostgreSQL in %s does not run here", cfg.BinDir))
	}
	// postgres (PostgreSQL) 18.4 (Debian …)
	fields := strings.Fields(out.String())
	if len(fields) < 3 {
		return ErrBinaries.Newf("the PostgreSQL in %s does not say its version", cfg.BinDir)
	}
	major, _, _ := strings.Cut(fields[2], ".")
	if major != version {
		return errDataDirectory.Newf("%s was made by PostgreSQL %s, this is PostgreSQL %s", cfg.DataDir, version, major)
	}
	info, err := os.Stat(cfg.DataDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	uid := uint32(os.Geteuid()) //nolint:gosec // a user id
	if owner != nil {
		uid = owner.uid
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != uid {
		return errDataDirectory.Newf("%s belongs to user id %d, PostgreSQL would run as user id %d", cfg.DataDir, st.Uid, uid)
	}
	return nil
}

// endPrevious waits for a server that still runs on the data directory, or stops it where the caller may take over: one whose parent was
// killed needs a moment to end. One that goes on is somebody's.
func endPrevious(ctx context.Context, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, previousTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	begin, told := time.Now(), syscall.Signal(0)
	for {
		pid, _, ok := previous(cfg.DataDir)
		if !ok {
			return nil // none, or PostgreSQL itself will say what is wrong; it removes what a dead one left
		}
		if cfg.TakeOver && ours(pid, cfg.DataDir) {
			// In order first; what does not end then is cut off, as by the death of its parent: the next start recovers from the log.
			next := syscall.SIGINT
			if time.Since(begin) > previousTimeout/3 {
				next = syscall.SIGQUIT
			}
			if next != told {
				told = next
				_ = syscall.Kill(pid, next) // it may have ended in between
			}
		}
		select {
		case <-ctx.Done():
			return errDataDirectory.Newf("another PostgreSQL (process %d) runs on %s", pid, cfg.DataDir)
		case <-tick.C:
		}
	}
}

const previousTimeout = 10 * time.Second

// Previous tells the port of a server that runs on a data directory, ok false where none does. Its process file says so.
func Previous(dataDir string) (port int, ok bool) {
	_, port, ok = previous(dataDir)
	return port, ok
}

// previous reads the process file: process, directory, start time, port; the later lines come as the server starts.
func previous(dataDir string) (pid, port int, ok bool) {
	b, err := os.ReadFile(filepath.Join(dataDir, "postmaster.pid"))
	if err != nil {
		return 0, 0, false
	}
	lines := strings.Split(string(b), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 1 || !alive(pid, dataDir) {
		return 0, 0, false
	}
	if len(lines) > 3 {
		port, _ = strconv.Atoi(strings.TrimSpace(lines[3])) // 0 while it is not written yet
	}
	return pid, port, true
}

// alive reports whether a process exists; where the system shows command lines, also that it is a server on this data directory and not
// another process that was given the number.
func alive(pid int, dataDir string) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	_, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err != nil || ours(pid, dataDir)
}

// ours reports whether a process is surely a server on this data directory: only such a one is sent a signal. That is one whose program is
// called postgres and whose -D names the directory: psql, a backup or an editor name it as well.
func ours(pid int, dataDir string) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil { // a system without /proc: its arguments come in one line, so the directory must be at the place where Start puts it
		line, err := exec.Command("ps", "-o", "command=", "-p", strconv.Itoa(pid)).Output() //nolint:noctx // it ends at once
		program, rest, found := strings.Cut(strings.TrimSpace(string(line)), " -D ")
		return err == nil && found && filepath.Base(program) == "postgres" && (rest == dataDir || strings.HasPrefix(rest, dataDir+" "))
	}
	args := strings.Split(string(line), "\x00")
	if filepath.Base(args[0]) != "postgres" {
		return false
	}
	at := slices.Index(args, "-D")
	return at > 0 && at+1 < len(args) && sameDirectory(args[at+1], dataDir)
}

// sameDirectory compares what two absolute paths lead to: one may go through a link.
func sameDirectory(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	one, err1 := os.Stat(a)
	other, err2 := os.Stat(b)
	return filepath.IsAbs(a) && err1 == nil && err2 == nil && os.SameFile(one, other)
}

func choosePort(port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))) //nolint:noctx // no I/O: it binds and is closed
	if err != nil {
		return 0, errPort.Wrap(err, fmt.Sprintf("port %d is taken", port))
	}
	port = l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// socketDir makes a private directory with a short path: a socket's path is limited to about 100 bytes, a data directory's is not.
func socketDir(owner *account) (string, error) {
	parent := os.TempDir()
	if len(parent) > 60 {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "ollypg")
	if err != nil {
		return "", fmt.Errorf("socket directory: %w", err)
	}
	if err := owner.own(dir); err != nil {
		return "", fmt.Errorf("hand %s to %s: %w", dir, owner.name, err)
	}
	return dir, nil
}

func (s *Server) start(ctx context.Context, owner *account) error {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"port":                    strconv.Itoa(s.port),
		"unix_socket_directories": s.socket,
		"max_connections":         "100",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"log_destination":         "stderr",
		"logging_collector":       "off",
		"jit":                     "off", // a gain for none of our queries, and its first use costs 100 ms
	}
	maps.Copy(settings, s.cfg.Settings)
	args := []string{"-D", s.cfg.DataDir}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		args = append(args, "-c", name+"="+settings[name])
	}
	tail := &tail{next: s.cfg.Log}
	s.cmd = command(s.cfg, owner, "postgres", args...)
	s.cmd.Stdout, s.cmd.Stderr = tail, tail
	started := make(chan error, 1)
	go func() {
		// The thread that starts a child with a parent-death signal must live as long as the child: see processAttributes.
		unlock := lockThread()
		defer unlock()
		err := s.cmd.Start()
		started <- err
		if err != nil {
			close(s.done)
			return
		}
		err = s.cmd.Wait()
		s.mu.Lock()
		if !s.stopping {
			s.err = errStopped.Wrap(err, "PostgreSQL ended: "+tail.last())
		}
		s.mu.Unlock()
		close(s.done)
	}()
	if err := <-started; err != nil {
		return ErrBinaries.Wrap(err, fmt.Sprintf("the PostgreSQL in %s does not run here", s.cfg.BinDir))
	}
	if err := s.waitReady(ctx, tail); err != nil {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return errors.Join(err, s.Stop(stop))
	}
	return nil
}

// waitReady waits until the postmaster writes "ready" into its pid file, which it does when it accepts connections.
func (s *Server) waitReady(ctx context.Context, tail *tail) error {
	pidFile := filepath.Join(s.cfg.DataDir, "postmaster.pid")
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if b, err := os.ReadFile(pidFile); err == nil {
			lines := strings.Split(string(b), "\n")
			if len(lines) > 7 && lines[0] == strconv.Itoa(s.cmd.Process.Pid) && strings.TrimSpace(lines[7]) == "ready" {
				return nil
			}
		}
		select {
		case <-s.done:
			return errStart.New("PostgreSQL does not start: " + tail.last())
		case <-ctx.Done():
			return errStart.Wrap(ctx.Err(), "PostgreSQL is not ready in time: "+tail.last())
		case <-tick.C:
		}
	}
}

// URL is the connection string of a database of the server over TCP, for its superuser "postgres". It holds the password, if there is one.
func (s *Server) URL(db string) string { return LocalURL(s.port, db, s.password) }

// LocalURL is what URL says of a server on this port with this password, "" for none.
func LocalURL(port int, db, password string) string {
	who := url.User(superuser)
	if password != "" {
		who = url.UserPassword(superuser, password)
	}
	u := url.URL{Scheme: "postgres", User: who, Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Path: "/" + db, RawQuery: "sslmode=disable"}
	return u.String()
}

// Port is the server's TCP port on 127.0.0.1.
func (s *Server) Port() int { return s.port }

// SocketDir is the directory of the server's Unix socket.
func (s *Server) SocketDir() string { return s.socket }

// Stop ends the server by a fast shutdown (open transactions are rolled back, data is flushed) and waits for it. When ctx ends first,
// it is ended immediately (the next start recovers from the log) and an error is returned. A second Stop does nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	first := !s.stopping
	s.stopping = true
	s.mu.Unlock()
	var err error
	if first && s.running() {
		_ = s.cmd.Process.Signal(syscall.SIGINT)
		select {
		case <-s.done:
		case <-ctx.Done():
			_ = s.cmd.Process.Signal(syscall.SIGQUIT)
			err = errStop.Wrap(ctx.Err(), "PostgreSQL did not stop in time and was ended")
		}
	}
	<-s.done
	_ = os.RemoveAll(s.socket)
	return err
}

func (s *Server) running() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// Done is closed when the server has ended, by Stop or on its own; Err then says why.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err is nil while the server runs and after Stop; else it says how the server ended.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// run starts a short-lived program and kills it when ctx ends.
func run(ctx context.Context, cmd *exec.Cmd) error {
	unlock := lockThread()
	defer unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-ended:
		default:
			_ = cmd.Process.Kill()
		}
	})
	err := cmd.Wait()
	close(ended)
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// tail passes output on and remembers its last lines for an error message.
type tail struct {
	mu    sync.Mutex
	next  io.Writer
	bytes []byte
}

const tailBytes = 2048

// Write never fails: a full disk under the log must not stop the server.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next != nil {
		_, _ = t.next.Write(p)
	}
	t.bytes = append(t.bytes, p...)
	if over := len(t.bytes) - tailBytes; over > 0 {
		t.bytes = slices.Delete(t.bytes, 0, over)
	}
	return len(p), nil
}

// last returns up to four last lines, joined.
func (t *tail) last() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.bytes)), "\n")
	if len(lines) > 4 {
		lines = lines[len(lines)-4:]
	}
	if text := strings.Join(lines, "; "); text != "" {
		return text
	}
	return "it said nothing"
}
