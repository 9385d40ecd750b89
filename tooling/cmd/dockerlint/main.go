// Command dockerlint runs the checks of `docker build --check` over Dockerfiles, without an engine and without a registry:
//
//	dockerlint deploy/Dockerfile
//
// They are BuildKit's own, called as a library. Every stage is looked at; a base image counts as known. It prints a finding a line and
// ends with 1 when there are any.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

func main() {
	found := 0
	for _, path := range os.Args[1:] {
		n, err := lint(context.Background(), path, os.Stdout)
		if err != nil {
			fmt.Fprintln(os.Stderr, "dockerlint:", err)
			os.Exit(2)
		}
		found += n
	}
	if found > 0 {
		os.Exit(1)
	}
}

// lint writes the findings of one file and counts them.
func lint(ctx context.Context, path string, out io.Writer) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	caps := pb.Caps.CapSet(pb.Caps.All())
	source := llb.NewSourceMap(nil, path, "Dockerfile", text)
	source.Definition = &llb.Definition{} // the file lies on this machine, not in a build's context
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{
		Config:         dockerui.Config{BuildArgs: stageArgs(string(text))},
		SourceMap:      source,
		TargetPlatform: &platform,
		MetaResolver:   known{},
		LLBCaps:        &caps,
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	found := 0
	report := func(line int32, rule, detail string) {
		found++
		_, _ = fmt.Fprintf(out, "%s:%d: %s: %s\n", path, line, rule, detail)
	}
	for _, w := range results.Warnings {
		line := int32(0)
		if w.Location != nil && len(w.Location.Ranges) > 0 {
			line = w.Location.Ranges[0].Start.Line
		}
		report(line, w.RuleName, w.Detail)
	}
	if e := results.Error; e != nil {
		line := int32(0)
		if len(e.Location.Ranges) > 0 {
			line = e.Location.Ranges[0].Start.Line
		}
		report(line, "error", e.Message)
	}
	return found, nil
}

// stageArgs gives every argument without a default that chooses a stage ("FROM source-${SERVICE}") the first stage that it can choose.
func stageArgs(text string) map[string]string {
	stages, args := []string{}, map[string]string{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 || !strings.EqualFold(words[0], "FROM") {
			continue
		}
		prefix, rest, chosen := strings.Cut(words[1], "${")
		name, suffix, _ := strings.Cut(rest, "}")
		for _, s := range stages {
			if chosen && args[name] == "" && strings.HasPrefix(s, prefix) && strings.HasSuffix(s, suffix) {
				args[name] = s[len(prefix) : len(s)-len(suffix)]
			}
		}
		if len(words) == 4 {
			stages = append(stages, words[3])
		}
	}
	return args
}

// known answers for every base image: it exists, and nothing is known of it.
type known struct{}

func (known) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers"}}`)
	return ref, digest.FromBytes(config), config, nil
}
