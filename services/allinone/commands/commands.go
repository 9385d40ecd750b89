// Package commands is the table of what `ollyscale` can do: its program and docs/configuration.md are made from it.
package commands

import (
	"io"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/services/allinone"
	"github.com/ollyscale/ollyscale/services/allinone/dead"
	"github.com/ollyscale/ollyscale/services/allinone/demo"
	"github.com/ollyscale/ollyscale/services/allinone/inspect"
	"github.com/ollyscale/ollyscale/services/allinone/keys"
	"github.com/ollyscale/ollyscale/services/allinone/limits"
	"github.com/ollyscale/ollyscale/services/allinone/retention"
)

// Default is the command of a call that names none.
const Default = "up"

// Command is one of the program's.
type Command struct {
	Name     string
	Text     string   // what stands about it in the page of settings
	Hide     []string // settings that the page has elsewhere: those whose keys begin with one of these
	Defaults any      // its settings
	Program  service.Program
}

// All are the commands in the order of the page; what they tell people goes to out.
func All(out io.Writer) []Command {
	up, shop, look, door, morgue := allinone.DefaultConfig(), demo.DefaultConfig(), inspect.Config{}, keys.DefaultConfig(), dead.DefaultConfig()
	up.Output, shop.Output, look.Output, door.Output, morgue.Output = out, out, out, out, out
	gauge := limits.DefaultConfig()
	gauge.Output = out
	keep := retention.DefaultConfig()
	keep.Output = out
	return []Command{
		command(Default, up, allinone.New, "All of ollyScale in one process. Beside these it has every setting of the roles under their names: `ingest.…` (`OLLY_INGEST_…`),\n"+
			"`writer.…`, `query.…`, `janitor.…`, `migrator.…`. Their bus and database addresses are set by it and have no effect; `ingest.auth` and `query.auth` are\n"+
			"refused, `auth` holds for all.", "ingest.", "writer.", "query.", "janitor.", "migrator."),
		command("demo", shop, demo.New, "Sends the telemetry of a small shop."),
		command("keys", door, keys.New, "Makes, lists and revokes keys."),
		command("limits", gauge, limits.New, "Shows and sets what tenants may send, and shows what of it was stored."),
		command("retention", keep, retention.New, "Shows and sets how long data of tenants is kept, and whether it is rows for SQL too."),
		command("dead", morgue, dead.New, "Lists, shows, replays and drops the dead letters of a tenant."),
		command("segment", look, inspect.New, "Shows what a segment consists of."),
	}
}

func command[C settings.Config, R service.Role](name string, defaults C, build func(C, service.Env) (R, error), text string, hide ...string) Command {
	title := "ollyscale " + name
	if name == Default {
		title = "ollyscale"
	}
	quiet := service.WithLog(service.LogConfig{Level: "warn", Format: "text"})
	return Command{
		Name: name, Text: text + " It logs warnings as text by default.", Hide: hide, Defaults: defaults,
		Program: service.NewProgram(title, defaults, build, quiet),
	}
}
