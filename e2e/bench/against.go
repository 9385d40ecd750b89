package bench

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// revision is another state of the repository, whose roles and NATS run beside this build's. The bench around them, which sends
// and measures, is this build's for both.
type revision struct {
	name       string
	binary     string
	query      []string // the command of its query service
	migrations fs.FS
}

// otherTemplate is the database with the other revision's schema.
const otherTemplate = "ready_other"

// template is the database that a case's is a copy of; of this build for none.
func (r *revision) template() string {
	if r == nil {
		return ownTemplate
	}
	return otherTemplate
}

// program is the bench out of which processes are started; "" is this one, for none.
func (r *revision) program() string {
	if r == nil {
		return ""
	}
	return r.binary
}

// buildRevision builds the bench of a revision below dir. The files are taken out with git archive: a worktree would leave its traces in the
// repository when the bench is killed.
func buildRevision(ctx context.Context, rev, dir string) (*revision, error) {
	commit, err := output(ctx, ".", "git", "rev-parse", "--short", "--verify", "--end-of-options", rev+"^{commit}")
	if err != nil {
		return nil, fmt.Errorf("-against %s names no commit: %w", rev, err)
	}
	root, err := output(ctx, ".", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(dir, "against")
	if err := os.MkdirAll(tree, 0o750); err != nil {
		return nil, err
	}
	archive := tree + ".tar"
	if _, err := output(ctx, root, "git", "archive", "--format=tar", "-o", archive, commit); err != nil {
		return nil, err
	}
	if _, err := output(ctx, tree, "tar", "-xf", archive); err != nil {
		return nil, err
	}
	if err := os.Remove(archive); err != nil {
		return nil, err
	}
	module := filepath.Join(tree, "e2e")
	if _, err := os.Stat(filepath.Join(module, "bench", "cmd", "bench")); err != nil {
		return nil, fmt.Errorf("-against %s: %s has no e2e/bench/cmd/bench, its processes cannot be started", rev, commit)
	}
	// -trimpath: what was built of the same files elsewhere need not be built again.
	binary := filepath.Join(dir, "against-bench")
	if _, err := output(ctx, module, "go", "build", "-trimpath", "-o", binary, "./bench/cmd/bench"); err != nil {
		return nil, fmt.Errorf("-against %s: %s cannot be built: %w", rev, commit, err)
	}
	// Not every revision's bench has a query service in a process of its own.
	querying := filepath.Join(dir, "against-query")
	if _, err := output(ctx, filepath.Join(tree, "services", "query"), "go", "build", "-trimpath", "-o", querying, "./cmd/query"); err != nil {
		return nil, fmt.Errorf("-against %s: the query service of %s cannot be built: %w", rev, commit, err)
	}
	return &revision{
		name: commit, binary: binary, query: []string{querying}, migrations: os.DirFS(filepath.Join(tree, "schema", "migrations")),
	}, nil
}

// output runs a program in a directory; an error tells the end of what the program said.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		said := strings.TrimSpace(stderr.String())
		return "", fmt.Errorf("%s: %w: %s", name, err, said[max(0, len(said)-400):])
	}
	return strings.TrimSpace(string(out)), nil
}
