// Command testissuer is an identity provider that lets in whoever says to be one of its people: for the browser tests, and to look at the
// login by hand. It listens on this machine only.
package main

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ollyscale/ollyscale/services/query/internal/testissuer"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "testissuer:", err)
		os.Exit(1)
	}
}

func run() error {
	address := flag.String("address", "127.0.0.1:8099", "where it listens")
	ollyscale := flag.String("for", "http://127.0.0.1:8080", "URL of the web interface")
	flag.Parse()
	if host, _, err := net.SplitHostPort(*address); err != nil || !net.ParseIP(host).IsLoopback() {
		return errors.New("address: it lets in anybody, and listens on 127.0.0.1 only")
	}
	issuer := &testissuer.Issuer{
		URL: "http://" + *address, ClientID: "ollyscale", Secret: "of-the-test", Redirect: *ollyscale + "/auth/callback", Logout: *ollyscale + "/login",
		Now: time.Now,
		People: map[string]testissuer.Claims{
			"ada":    {"email": "ada@shop.example", "roles": []string{"viewer"}, "tenants": []string{"default", "bank"}},
			"grace":  {"email": "grace@shop.example", "roles": []string{"admin"}, "tenants": []string{"default"}},
			"nobody": {"email": "nobody@shop.example", "tenants": []string{"default"}},
		},
	}
	server := &http.Server{Addr: *address, Handler: issuer, ReadHeaderTimeout: time.Second}
	return server.ListenAndServe() //nolint:wrapcheck // it says all
}
