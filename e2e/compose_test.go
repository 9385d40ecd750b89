//go:build compose

package e2e

import (
	"bytes"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ollyscale/ollyscale/e2e/load"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestCompose runs docker-compose.yaml as a user would, with three writers, from images that `make images` has built.
func TestCompose(t *testing.T) {
	s := &stack{t: t}
	grpcPort, httpPort, uiPort := testbed.Port(s.t), testbed.Port(s.t), testbed.Port(s.t)
	s.grpc, s.http, s.api = address(grpcPort), "http://"+address(httpPort), "http://"+address(uiPort)
	c := newCompose(t,
		"OLLYSCALE_GRPC_PORT="+strconv.Itoa(grpcPort), "OLLYSCALE_HTTP_PORT="+strconv.Itoa(httpPort), "OLLYSCALE_UI_PORT="+strconv.Itoa(uiPort),
	)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.run("logs", "--no-color", "--tail=40"))
		}
		c.run("down", "--volumes", "--timeout", "20")
	})
	start := time.Now()
	c.run("up", "--detach", "--no-build", "--scale", "writer=3")
	s.ready(s.http)
	s.ready(s.api)
	t.Logf("ready after %s", time.Since(start).Round(time.Millisecond))

	containers := c.containers()
	require.Len(t, containers["writer"], 3)
	for _, service := range []string{"ingest", "writer", "query", "janitor"} {
		for _, id := range containers[service] {
			waitFor(t, time.Minute, service+" is healthy", func() bool { return c.inspect(id).State.Health.Status == "healthy" })
			require.Equal(t, "65532:65532", c.inspect(id).Config.User, service)
		}
	}
	for _, id := range containers["migrator"] {
		require.Equal(t, "exited", c.inspect(id).State.Status)
		require.Zero(t, c.inspect(id).State.ExitCode)
	}
	// What the world talks to cannot reach the database, which is reached from nowhere else; and nothing may take all memory.
	networks := map[string][]string{
		"postgres": {"store"}, "migrator": {"store"}, "janitor": {"store"}, "nats": {"queue"}, "ingest": {"queue"}, "writer": {"queue", "store"}, "query": {"queue", "store"},
	}
	for service, ids := range containers {
		for _, id := range ids {
			is := c.inspect(id)
			require.Positive(t, is.HostConfig.Memory, service)
			var in []string
			for name := range is.NetworkSettings.Networks {
				in = append(in, strings.TrimPrefix(name, c.project+"_"))
			}
			slices.Sort(in)
			require.Equal(t, networks[service], in, service)
		}
	}
	require.Equal(t, "true", c.docker("docker", "network", "inspect", "--format", "{{.Internal}}", c.project+"_store"))
	for _, from := range []struct{ network, address string }{{"store", "writer:8081"}, {"store", "janitor:8082"}, {"queue", "ingest:4318"}, {"queue", "query:8080"}} {
		// The image of the bus has a client; what it says is what a scraper reads.
		metrics := c.docker("docker", "run", "--rm", "--network", c.project+"_"+from.network, "--entrypoint", "wget", "nats:2.15-alpine", "-q", "-O", "-", "http://"+from.address+"/metrics")
		require.Contains(t, metrics, "target_info{", from.address)
	}
	for _, ids := range containers {
		for _, id := range ids {
			for port, bindings := range c.inspect(id).NetworkSettings.Ports {
				for _, b := range bindings {
					require.Equal(t, "127.0.0.1", b.HostIP, "%s is reachable from outside", port)
				}
			}
		}
	}

	plan := newPlan(t)
	s.send(t.Context(), plan, load.Target{Again: 0.1}).wait()
	for _, signal := range load.Signals() {
		waitFor(t, time.Minute, "all "+string(signal), func() bool {
			tally, err := load.API{URL: s.api}.Tally(t.Context(), plan, signal)
			return err == nil && tally.Err() == nil
		})
	}
	// What is stored outlives the containers.
	c.run("down", "--timeout", "20")
	c.run("up", "--detach", "--no-build")
	s.ready(s.api)
	tally, err := load.API{URL: s.api}.Tally(t.Context(), plan, load.Traces)
	require.NoError(t, err)
	require.NoError(t, tally.Err())

	c.run("--profile", "demo", "up", "--detach", "--no-build")
	waitFor(t, time.Minute, "the demo's services", func() bool {
		now := time.Now().UTC()
		within := url.Values{"start_time": {now.Add(-10 * time.Minute).Format(time.RFC3339)}, "end_time": {now.Format(time.RFC3339)}}
		return strings.Contains(c.docker("docker", "run", "--rm", "--network", c.project+"_queue", "--entrypoint", "wget", "nats:2.15-alpine", "-q", "-O", "-",
			"http://query:8080/api/services?"+within.Encode()), `"checkout"`)
	})
}

// TestAllInOneContainer keeps what it was sent in its volume, and refuses to be open to all without being told.
func TestAllInOneContainer(t *testing.T) {
	s := &stack{t: t}
	c := newCompose(t)
	const image = "ollyscale/ollyscale:dev"
	require.Contains(t, c.docker("docker", "run", "--rm", image, "--version"), "dev")
	refused := exec.CommandContext(t.Context(), "docker", "run", "--rm", image)
	refused.Env = c.environment
	said, err := refused.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(said), "OLLY_INSECURE")

	grpcPort, httpPort, uiPort := testbed.Port(s.t), testbed.Port(s.t), testbed.Port(s.t)
	s.grpc, s.http, s.api = address(grpcPort), "http://"+address(httpPort), "http://"+address(uiPort)
	name, volume := c.project+"-all-in-one", c.project+"-data"
	start := func() {
		c.docker("docker", "run", "--detach", "--name", name, "--env", "OLLY_INSECURE=true", "--volume", volume+":/var/lib/ollyscale",
			"--publish", "127.0.0.1:"+strconv.Itoa(grpcPort)+":4317", "--publish", "127.0.0.1:"+strconv.Itoa(httpPort)+":4318", "--publish", "127.0.0.1:"+strconv.Itoa(uiPort)+":8080", image)
		waitFor(t, time.Minute, "it is healthy", func() bool { return c.inspect(name).State.Health.Status == "healthy" })
	}
	end := func() {
		c.docker("docker", "stop", "--time", "30", name)
		require.Zero(t, c.inspect(name).State.ExitCode, "it was stopped as one asks for it")
		c.docker("docker", "rm", name)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.docker("docker", "logs", "--tail", "40", name))
		}
		c.docker("docker", "rm", "--force", name)
		c.docker("docker", "volume", "rm", "--force", volume)
	})
	start()
	plan := newPlan(t)
	s.send(t.Context(), plan, load.Target{}).wait()
	for _, signal := range load.Signals() {
		waitFor(t, time.Minute, "all "+string(signal), func() bool {
			tally, err := load.API{URL: s.api}.Tally(t.Context(), plan, signal)
			return err == nil && tally.Err() == nil
		})
	}
	end()
	start()
	tally, err := load.API{URL: s.api}.Tally(t.Context(), plan, load.Traces)
	require.NoError(t, err)
	require.NoError(t, tally.Err())
	end()
}

// TestComposeDemandsKeys finds that keys are demanded by variables alone, without a change of the file.
func TestComposeDemandsKeys(t *testing.T) {
	c := newCompose(t, "OLLY_AUTH_MODE=keys", "OLLY_INSECURE=false", "OLLY_AUTH_SNAPSHOT_KEY=one", "OLLY_LOGIN_SESSION_KEY=other")
	var plain struct {
		Services map[string]struct{ Environment map[string]string }
	}
	require.NoError(t, yaml.Unmarshal([]byte(c.run("config")), &plain))
	for _, service := range []string{"ingest", "query"} {
		env := plain.Services[service].Environment
		require.Equal(t, "keys", env["OLLY_AUTH_MODE"], service)
		require.Equal(t, "false", env["OLLY_INSECURE"], service)
		require.Equal(t, "one", env["OLLY_AUTH_SNAPSHOT_KEY"], service)
	}
	require.Equal(t, "other", plain.Services["query"].Environment["OLLY_LOGIN_SESSION_KEY"])
}

// newCompose knows which docker compose there is.
func newCompose(t *testing.T, environment ...string) *compose {
	t.Helper()
	project := "ollyscale-e2e-" + strconv.Itoa(os.Getpid())
	c := &compose{t: t, project: project, environment: append(append(os.Environ(), "COMPOSE_PROJECT_NAME="+project), environment...), command: []string{"docker", "compose"}}
	if exec.CommandContext(t.Context(), "docker", "compose", "version").Run() != nil {
		c.command = []string{"docker-compose"} // version 1
	}
	return c
}

// compose runs docker compose at the top of the repository.
type compose struct {
	t           *testing.T
	project     string
	command     []string
	environment []string
}

func (c *compose) run(args ...string) string {
	return c.docker(append(slices.Clip(c.command), args...)...)
}

func (c *compose) docker(command ...string) string {
	c.t.Helper()
	// Not the test's context: cleaning up comes after its end.
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = testbed.Root(c.t), c.environment
	var out, failed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		c.t.Errorf("%s: %v\n%s%s", strings.Join(command, " "), err, &out, &failed)
	}
	return strings.TrimSpace(out.String())
}

// containers are the ids of every service's containers, ended ones too.
func (c *compose) containers() map[string][]string {
	c.t.Helper()
	found := map[string][]string{}
	for _, service := range []string{"postgres", "nats", "migrator", "ingest", "writer", "query", "janitor"} {
		out := c.docker("docker", "ps", "--all", "--quiet", "--filter", "label=com.docker.compose.service="+service,
			"--filter", "label=com.docker.compose.project="+c.project)
		found[service] = strings.Fields(out)
		require.NotEmpty(c.t, found[service], "no container of %s", service)
	}
	return found
}

type container struct {
	State struct {
		Status   string
		ExitCode int
		Health   struct{ Status string }
	}
	Config          struct{ User string }
	HostConfig      struct{ Memory int64 }
	NetworkSettings struct {
		Networks map[string]struct{}
		Ports    map[string][]struct {
			HostIP string `json:"HostIp"`
		}
	}
}

func (c *compose) inspect(id string) container {
	c.t.Helper()
	var found []container
	require.NoError(c.t, json.Unmarshal([]byte(c.docker("docker", "inspect", id)), &found))
	require.Len(c.t, found, 1)
	return found[0]
}
