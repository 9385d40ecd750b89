// Command ollyscale is all of ollyScale in one process ("up", the default), and a shop that sends it telemetry ("demo").
package main

import (
	"os"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/allinone"
	"github.com/ollyscale/ollyscale/services/allinone/demo"
)

func main() {
	up, shop := allinone.DefaultConfig(), demo.DefaultConfig()
	up.Output, shop.Output = os.Stdout, os.Stdout
	quiet := service.WithLog(service.LogConfig{Level: "warn", Format: "text"})
	service.Exec(service.Commands("ollyscale", "up", map[string]service.Program{
		"up":   service.NewProgram("ollyscale", up, allinone.New, quiet),
		"demo": service.NewProgram("ollyscale demo", shop, demo.New, quiet),
	}))
}
