package allinone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/server"
	"github.com/ollyscale/ollyscale/libs/settings"
)

// PostgresConfig is the local database, or one elsewhere.
type PostgresConfig struct {
	URL  string `mapstructure:"url" secret:"true" flag:"postgres" doc:"URL of a PostgreSQL to use; empty to start one in the data directory."`
	Bin  string `mapstructure:"bin" doc:"Directory of the PostgreSQL programs (postgres, initdb); empty to look for them."`
	Port int    `mapstructure:"port" doc:"Port of the local PostgreSQL on 127.0.0.1, for psql; 0 for any free one."`
	User string `mapstructure:"user" doc:"Operating system user to run PostgreSQL as when started by root; empty for nobody."`
	// Settings go over serverSettings.
	Settings map[string]string `mapstructure:"settings" doc:"Parameters of the local PostgreSQL, name=value, in place of those made for a small machine (shared_buffers=96MB, max_wal_size=512MB and others)."`
}

// Validate names what is wrong, relative to the section of the local server.
func (c PostgresConfig) Validate() error {
	var p settings.Problems
	settings.Between(&p, "port", c.Port, 0, 65535)
	for name := range c.Settings {
		switch {
		case !parameterName.MatchString(name):
			p.Refuse("settings", "%.40q is no name of a parameter", name)
		case owned(name):
			p.Refuse("settings", "%s is set by ollyScale, which would not find the server otherwise", name)
		}
	}
	if c.URL != "" {
		external := postgres.DefaultConfig()
		external.URL = c.URL
		p.Section("", external.Validate())
	}
	return p.Err()
}

var parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// owned reports whether a parameter is one by which the server is found, is this machine's alone, or says what it does.
func owned(name string) bool {
	switch strings.ToLower(name) {
	case "port", "listen_addresses", "unix_socket_directories", "data_directory", "hba_file", "ident_file", "config_file", "logging_collector", "log_destination":
		return true
	}
	return false
}

// databaseName is the database of a local server.
const databaseName = "ollyscale"

// psqlFile is the file in the data directory that holds the password of a local server, as psql reads it.
const psqlFile = "postgres.pgpass"

// serverSettings keep every promise of durability (fsync, full_page_writes and synchronous_commit stay on) and are otherwise for a laptop:
// a small footprint, and checkpoints that are rare because segments are written once. binDir tells whether the server can count statements.
func serverSettings(binDir string) map[string]string {
	out := map[string]string{
		"max_connections": "100",
		// Segments are written once and read through the cache of the operating system as well; headers and dimensions of days fit.
		"shared_buffers": "96MB",
		// WAL files are kept for reuse up to max_wal_size: a quarter of an hour of 3,000 spans a second takes 250 MB of them.
		"max_wal_size":         "512MB",
		"checkpoint_timeout":   "15min",
		"maintenance_work_mem": "64MB",
		"random_page_cost":     "1.1",
		"log_min_messages":     "warning",
		"log_line_prefix":      "%m ",
		// Nobody replicates a laptop by publications; whoever does says so in postgres.settings.
		"max_logical_replication_workers": "0",
	}
	if countsStatements(binDir) {
		out["shared_preload_libraries"], out["pg_stat_statements.max"] = "pg_stat_statements", "1000"
		out["pg_stat_statements.track_utility"] = "off" // the text of CREATE ROLE holds a password, and would lie in a file
	}
	return out
}

// countsStatements reports whether the extension pg_stat_statements comes with the programs in binDir: a server that is told to load what is not
// there does not start. Packages have it apart from the server, in a directory that pg_config would know, which is not always there either.
func countsStatements(binDir string) bool {
	for _, dir := range []string{"lib", "lib/postgresql", "lib64", "lib64/pgsql", "lib64/postgresql", "lib/pgsql"} {
		if found, _ := filepath.Glob(filepath.Join(binDir, "..", dir, "pg_stat_statements.*")); len(found) > 0 { // the pattern is well-formed
			return true
		}
	}
	return false
}

// findPostgres returns the directory of the PostgreSQL programs: the one configured, or the first that holds them of .tools/postgres
// here and beside this program, the newest of /usr/lib/postgresql, and PATH.
func findPostgres(configured string) (string, error) {
	if configured != "" {
		if !hasPostgres(configured) {
			return "", server.ErrBinaries.Newf("%s holds no PostgreSQL: initdb and postgres are not there (postgres.bin)", configured)
		}
		return filepath.Abs(configured)
	}
	var places []string
	if dir, err := os.Getwd(); err == nil {
		places = append(places, upwards(dir)...)
	}
	if exe, err := os.Executable(); err == nil {
		if exe, err = filepath.EvalSymlinks(exe); err == nil {
			places = append(places, upwards(filepath.Dir(exe))...)
		}
	}
	places = append(places, distribution()...)
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			places = append(places, filepath.Dir(path))
		}
	}
	for _, place := range places {
		if hasPostgres(place) {
			return filepath.Abs(place)
		}
	}
	return "", server.ErrBinaries.New(
		"no PostgreSQL found on this machine; run `make tools`, install the package postgresql, name its directory with --postgres-bin, or use one elsewhere with --postgres URL")
}

// upwards looks in dir and in at most three directories above it, for a program that lies in .build/bin of a checkout.
func upwards(dir string) []string {
	var places []string
	for range 4 {
		places = append(places, filepath.Join(dir, ".tools", "postgres", "bin"))
		dir = filepath.Dir(dir)
	}
	return places
}

// distribution lists Debian's directories, the highest major version first.
func distribution() []string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	major := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return n
	}
	slices.SortFunc(found, func(a, b string) int { return major(b) - major(a) })
	return found
}

func hasPostgres(dir string) bool {
	for _, name := range []string{"postgres", "initdb"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
			return false
		}
	}
	return true
}

// database is the supervised local server.
type database struct {
	cfg server.Config
	log *slog.Logger
	out *os.File

	mu      sync.Mutex
	current *server.Server
}

// startPostgres starts the local server and fixes its port, so that it comes back under the same URL.
func startPostgres(ctx context.Context, cfg PostgresConfig, binDir string, dir *dataDir, log *slog.Logger) (*database, error) {
	if os.Geteuid() == 0 {
		// .tools/postgres of a checkout in root's home is a link to a place that others may enter.
		if target, err := filepath.EvalSymlinks(binDir); err == nil {
			binDir = target
		}
		for _, path := range []string{dir.join("postgres"), filepath.Join(binDir, "postgres")} {
			if err := passable(path); err != nil {
				return nil, err
			}
		}
	}
	out, err := openLog(dir.join("postgres.log"))
	if err != nil {
		return nil, dirFault(err, dir.path)
	}
	parameters := serverSettings(binDir)
	maps.Copy(parameters, cfg.Settings)
	d := &database{log: log, out: out, cfg: server.Config{
		BinDir: binDir, DataDir: dir.join("postgres"), Port: cfg.Port, User: cfg.User, Settings: parameters, Log: out,
		PasswordFile: dir.join(psqlFile),
		TakeOver:     true, // this process holds the lock of the directory, so a server that still runs on it is an orphan
	}}
	d.current, err = server.Start(ctx, d.cfg)
	if err != nil {
		_ = out.Close()
		return nil, fmt.Errorf("PostgreSQL: %w", fullDisk(err, dir.path))
	}
	d.cfg.Port = d.current.Port()
	return d, nil
}

// fullDisk recognises PostgreSQL's way to say it.
func fullDisk(err error, path string) error {
	if strings.Contains(err.Error(), "No space left on device") {
		return errDiskFull.Wrap(err, "the disk of "+path+" is full")
	}
	return err
}

// maxLogBytes bounds what is kept of PostgreSQL's log from the runs before.
const maxLogBytes = 16 << 20

func openLog(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > maxLogBytes {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644) //nolint:gosec // the data directory the user chose
}

func (d *database) url() string { return d.current.URL(databaseName) }

// run starts the server again when it ends, with a growing pause: the writer retries meanwhile and ingest goes on taking telemetry.
// When ctx ends it stops the server.
func (d *database) run(ctx context.Context) error {
	const least, most = 250 * time.Millisecond, 15 * time.Second
	pause := least
	for {
		d.mu.Lock()
		current := d.current
		d.mu.Unlock()
		if current != nil {
			select {
			case <-ctx.Done():
				return d.stop(context.WithoutCancel(ctx))
			case <-current.Done():
				d.log.WarnContext(ctx, "PostgreSQL ended and is started again", "error", current.Err(), "log", d.out.Name())
				_ = current.Stop(ctx) // removes what it left
			}
		}
		select {
		case <-ctx.Done():
			return d.stop(context.WithoutCancel(ctx))
		case <-time.After(pause):
		}
		started := time.Now()
		next, err := server.Start(ctx, d.cfg)
		if err != nil {
			next = nil
			pause = min(2*pause, most)
			d.log.ErrorContext(ctx, "PostgreSQL does not start", "error", err.Error(), "next_try", pause)
		} else {
			d.log.InfoContext(ctx, "PostgreSQL is back", "took", time.Since(started))
			pause = least
		}
		d.mu.Lock()
		d.current = next
		d.mu.Unlock()
	}
}

// stop ends the server with its data flushed; it is idempotent.
func (d *database) stop(ctx context.Context) error {
	d.mu.Lock()
	current := d.current
	d.current = nil
	d.mu.Unlock()
	if current == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err := current.Stop(ctx)
	_ = d.out.Close()
	return err
}

// LocalURL is the URL of the database of the ollyScale that runs on a data directory, "" for the default one, for its superuser. The
// process file of PostgreSQL names the port, a file beside it the password: only who may read that one has the URL.
func LocalURL(dataDir string) (string, error) {
	if dataDir == "" {
		dataDir = defaultDataDir()
	}
	// Absolute, as the server was told it.
	dataDir, err := filepath.Abs(dataDir)
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	port, runs := server.Previous(filepath.Join(dataDir, "postgres"))
	if !runs {
		return "", errNotRunning.Newf("no ollyScale runs on %s; name its directory with --data-dir, or a database with --postgres", dataDir)
	}
	if port == 0 {
		return "", errNotRunning.Newf("the PostgreSQL of %s is just starting", dataDir)
	}
	password, err := server.ReadPassword(filepath.Join(dataDir, psqlFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", errNotRunning.Newf("the PostgreSQL of %s has no password: it was not started by this ollyScale", dataDir)
	}
	if err != nil {
		return "", err
	}
	return server.LocalURL(port, databaseName, password), nil
}
