package main

import (
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/allinone"
	"github.com/ollyscale/ollyscale/services/ingest"
	"github.com/ollyscale/ollyscale/services/janitor"
)

// Each row of the truth table of health names the test that holds it.
func TestEveryRowOfTheTruthTableIsHeldByATest(t *testing.T) {
	t.Parallel()
	const root = "../../../.."
	page, err := os.ReadFile(filepath.Join(root, "docs", "reliability.md"))
	require.NoError(t, err)
	_, section, ok := strings.Cut(string(page), "\n## Health\n")
	require.True(t, ok)
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "\n### ")
	var tests strings.Builder
	for _, top := range []string{"libs", "services", "e2e"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, top), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() && e.Name() == "node_modules" {
				return filepath.SkipDir
			}
			if !strings.HasSuffix(path, "_test.go") {
				return nil
			}
			text, err := os.ReadFile(path)
			tests.Write(text)
			return err
		}))
	}
	rows := 0
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| fault") {
			continue
		}
		rows++
		name := regexp.MustCompile("`(Test\\w+)`").FindStringSubmatch(line)
		require.NotNil(t, name, line)
		require.Contains(t, tests.String(), "func "+name[1]+"(", line)
	}
	require.GreaterOrEqual(t, rows, 9)
}

// What /health can tell is in the page: nothing is registered that is not declared (the compiler asks for a Condition), and what is declared is whole.
func TestConditionsOfHealthAreDeclaredOnceAndWhole(t *testing.T) {
	t.Parallel()
	s := read(t)
	conditions, err := s.conditions()
	require.NoError(t, err)
	n := 0
	for dir, declared := range conditions {
		seen := map[string]bool{}
		for _, c := range declared {
			require.Regexp(t, `^[a-z_]+$`, c.Name, dir)
			require.False(t, seen[c.Name], "%s is declared twice in %s", c.Name, dir)
			seen[c.Name] = true
			require.True(t, strings.HasSuffix(c.Meaning, "."), c.Name)
			require.True(t, strings.HasSuffix(c.Advice, "."), c.Name)
			n++
		}
	}
	require.GreaterOrEqual(t, n, 11)
	page, err := healthPage(s)
	require.NoError(t, err)
	written, err := os.ReadFile("../../../../docs/health.md")
	require.NoError(t, err)
	require.Equal(t, string(page), string(written), "run make generate")
}

// Each condition of a process that has them all is one of the page's, with its advice.
func TestEveryConditionThatARoleTellsOfIsInThePage(t *testing.T) {
	t.Parallel()
	declared, err := read(t).conditions()
	require.NoError(t, err)
	pages := map[string]string{}
	for _, all := range declared {
		for _, c := range all {
			pages[c.Name+"\n"+c.Advice] = c.Name
		}
	}
	cfg := allinone.DefaultConfig()
	cfg.DataDir = t.TempDir()
	env := service.NewEnv("ollyscale", nil)
	_, err = allinone.New(cfg, env)
	require.NoError(t, err)
	checks := env.Health.Run(t.Context()).Checks
	keyed, nowhere := auth.DefaultConfig(), "postgres://127.0.0.1:1/none?connect_timeout=1"
	keyed.Mode, keyed.SnapshotKey = auth.ModeKeys, base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, role := range []struct {
		name string
		make func(service.Env) error
	}{
		{"ingest", func(env service.Env) error {
			c := ingest.DefaultConfig()
			c.Auth, c.Bus.URL = keyed, "nats://127.0.0.1:1"
			_, err := ingest.New(c, env)
			return err
		}},
		{"janitor", func(env service.Env) error {
			c := janitor.DefaultConfig()
			c.Postgres.URL = nowhere
			_, err := janitor.New(c, env)
			return err
		}},
	} {
		env := service.NewEnv(role.name, nil)
		require.NoError(t, role.make(env), role.name)
		told := env.Health.Run(t.Context()).Checks
		require.NotEmpty(t, told)
		checks = append(checks, told...)
	}
	failed := 0
	for _, c := range checks {
		if c.Status == service.StatusOK {
			continue
		}
		failed++
		require.NotEmpty(t, c.Code, c.Name)
		require.Contains(t, pages, c.Name+"\n"+c.Advice)
	}
	require.GreaterOrEqual(t, failed, 7)
}
