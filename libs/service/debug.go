package service

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof" // it registers itself with http.DefaultServeMux too, which nothing here serves
	"strings"
)

// debugRoutes are the endpoints for the engineer on call, which look into the process and change it:
//
//	/debug/pprof/   profiles, as `go tool pprof` reads them; not cmdline, because a flag may hold a password
//	/loglevel       GET tells the least level that is logged, PUT sets it until the process ends: debug, info, warn or error
func debugRoutes(mux *http.ServeMux, env Env) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.Handle("GET /debug/pprof/cmdline", http.NotFoundHandler())
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /loglevel", func(w http.ResponseWriter, _ *http.Request) { tellLevel(w, env.level) })
	mux.HandleFunc("PUT /loglevel", func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(io.LimitReader(r.Body, 64))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		level, ok := parseLevel(strings.TrimSpace(string(text)))
		if !ok {
			http.Error(w, fmt.Sprintf("%q is none of debug, info, warn, error", text), http.StatusBadRequest)
			return
		}
		before := env.level.Level()
		env.level.Set(level)
		// At the higher of both levels, so that the line is there whichever way the change goes.
		env.Log.Log(r.Context(), max(before, level), "log level changed", "from", levelName(before), "to", levelName(level), "remote", r.RemoteAddr)
		tellLevel(w, env.level)
	})
}

func tellLevel(w http.ResponseWriter, level *slog.LevelVar) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = fmt.Fprintln(w, levelName(level.Level()))
}

// fromThisMachine lets requests pass that name this machine as they would at a terminal. A page in a browser, by a name that was made to lead
// here, and a proxy name another host: a loopback address alone keeps neither out.
func fromThisMachine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// onThisMachineOnly says whether nobody from outside can reach the listener.
func onThisMachineOnly(l net.Listener) bool {
	tcp, ok := l.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
