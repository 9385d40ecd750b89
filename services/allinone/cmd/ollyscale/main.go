// Command ollyscale is all of ollyScale in one process ("up", the default), a shop that sends it telemetry ("demo"), and a look
// into one segment ("segment"), the keys of an installation ("keys"), and what could not be written ("dead").
package main

import (
	"os"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/allinone"
	"github.com/ollyscale/ollyscale/services/allinone/dead"
	"github.com/ollyscale/ollyscale/services/allinone/demo"
	"github.com/ollyscale/ollyscale/services/allinone/inspect"
	"github.com/ollyscale/ollyscale/services/allinone/keys"
)

func main() {
	up, shop, look, door, morgue := allinone.DefaultConfig(), demo.DefaultConfig(), inspect.Config{}, keys.DefaultConfig(), dead.DefaultConfig()
	up.Output, shop.Output, look.Output, door.Output, morgue.Output = os.Stdout, os.Stdout, os.Stdout, os.Stdout, os.Stdout
	quiet := service.WithLog(service.LogConfig{Level: "warn", Format: "text"})
	service.Exec(service.Commands("ollyscale", "up", map[string]service.Program{
		"up":      service.NewProgram("ollyscale", up, allinone.New, quiet),
		"demo":    service.NewProgram("ollyscale demo", shop, demo.New, quiet),
		"segment": service.NewProgram("ollyscale segment", look, inspect.New, quiet),
		"keys":    service.NewProgram("ollyscale keys", door, keys.New, quiet),
		"dead":    service.NewProgram("ollyscale dead", morgue, dead.New, quiet),
	}))
}
