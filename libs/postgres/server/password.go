package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// accessRules is the pg_hba.conf of a cluster whose superuser has a password. Its first line says that the password is set; what somebody
// adds below stays.
const accessRules = accessMark + `
# Every connection proves who it is: any account of this machine reaches the port.
local all         all                scram-sha-256
host  all         all  127.0.0.1/32  scram-sha-256
local replication all                scram-sha-256
host  replication all  127.0.0.1/32  scram-sha-256
`

const accessMark = "# Written by ollyScale: the password of the superuser is in its file."

// demandPassword makes the cluster, a new one or an old one that trusts everybody, demand the password in the file. Nothing may run on it.
// A file that was lost is made anew, with another password.
func demandPassword(ctx context.Context, cfg Config, owner *account) (password string, err error) {
	password, err = ReadPassword(cfg.PasswordFile)
	made := errors.Is(err, os.ErrNotExist)
	if err != nil && !made {
		return "", err
	}
	path := filepath.Join(cfg.DataDir, "pg_hba.conf")
	rules, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", errPassword.Wrap(err, "cannot read "+path)
	}
	if strings.HasPrefix(string(rules), accessMark) && !made {
		return password, nil
	}
	// The old rules go first, so that one who is killed in between leaves a cluster whose password is set by the next start.
	if err := os.Rename(path, path+".old"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", errPassword.Wrap(err, "cannot put aside "+path)
	}
	if made {
		password = rand.Text()
		if err := replaceFile(cfg.PasswordFile, passwordLine+password+"\n", nil); err != nil {
			return "", errPassword.Wrap(err, "cannot write "+cfg.PasswordFile)
		}
	}
	if err := setPassword(ctx, cfg, owner, password); err != nil {
		return "", err
	}
	if err := replaceFile(path, accessRules, owner); err != nil {
		return "", errPassword.Wrap(err, "cannot write "+path)
	}
	return password, nil
}

// setPassword tells the cluster in single-user mode, which asks nobody who they are and listens nowhere.
func setPassword(ctx context.Context, cfg Config, owner *account, password string) error {
	tail := &tail{next: cfg.Log}
	cmd := command(cfg, owner, "postgres", "--single", "-D", cfg.DataDir, "-c", "exit_on_error=on", "-c", "password_encryption=scram-sha-256",
		"-c", "log_statement=none", "-c", "log_min_duration_statement=-1", "-c", "log_min_error_statement=panic", "postgres")
	cmd.Stdin = strings.NewReader("ALTER ROLE " + superuser + " PASSWORD '" + password + "'\n") // letters and digits, see rand.Text
	cmd.Stderr = tail
	if err := run(ctx, cmd); err != nil {
		return errStart.Wrap(err, fmt.Sprintf("the password of %s cannot be set: %s", cfg.DataDir, tail.last()))
	}
	return nil
}

// passwordLine is what stands before the password, so that the file is one that psql reads: host, port, database and user.
const passwordLine = "127.0.0.1:*:*:" + superuser + ":"

// ReadPassword gives the password in a file that a server's Config.PasswordFile named. The error is os.ErrNotExist where there is no such
// file, and else has the code "postgres.password" (fault.Invalid).
func ReadPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("password file: %w", err)
	}
	if err != nil {
		return "", errPassword.Wrap(err, "cannot read "+path+": only the user who runs PostgreSQL's parent may")
	}
	password, found := strings.CutPrefix(strings.TrimSpace(string(text)), passwordLine)
	if !found || password == "" || strings.ContainsAny(password, "'\\:\n") {
		return "", errPassword.Newf("%s does not hold what ollyScale wrote into it; stop ollyScale, remove the file and start again: it gets a new password", path)
	}
	return password, nil
}

// replaceFile writes a file for its owner alone, whole or not at all.
func replaceFile(path, text string, owner *account) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close(), owner.own(fresh)); err != nil {
		_ = os.Remove(fresh)
		return err
	}
	return os.Rename(fresh, path)
}
