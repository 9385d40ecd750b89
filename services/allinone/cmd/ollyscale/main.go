// Command ollyscale is all of ollyScale in one process ("up", the default), and what one does beside it: package commands lists it.
package main

import (
	"os"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/allinone/commands"
)

func main() {
	programs := map[string]service.Program{}
	for _, c := range commands.All(os.Stdout) {
		programs[c.Name] = c.Program
	}
	service.Exec(service.Commands("ollyscale", commands.Default, programs))
}
