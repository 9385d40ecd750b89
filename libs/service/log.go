package service

import (
	"io"
	"log/slog"
	"strings"

	"github.com/ollyscale/ollyscale/libs/settings"
)

// LogConfig says how a process logs. Log lines go to standard error.
type LogConfig struct {
	Level  string `mapstructure:"level" usual:"true" doc:"Least level that is logged: debug, info, warn or error."`
	Format string `mapstructure:"format" doc:"Form of a log line: json or text."`
}

// Validate refuses an unknown level or format.
func (c LogConfig) Validate() error {
	var p settings.Problems
	p.OneOf("level", strings.ToLower(c.Level), "debug", "info", "warn", "error")
	p.OneOf("format", c.Format, "json", "text")
	return p.Err()
}

// parseLevel is what a level means and whether it is one.
func parseLevel(text string) (slog.Level, bool) {
	switch strings.ToLower(text) {
	case "debug":
		return slog.LevelDebug, true
	case "info":
		return slog.LevelInfo, true
	case "warn":
		return slog.LevelWarn, true
	case "error":
		return slog.LevelError, true
	}
	return slog.LevelInfo, false
}

// levelName is what parseLevel reads.
func levelName(level slog.Level) string { return strings.ToLower(level.String()) }

// newLogger makes the process's logger and the level that it obeys from then on: info for what Validate refuses.
func newLogger(c LogConfig, w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level, _ := parseLevel(c.Level)
	var least slog.LevelVar
	least.Set(level)
	options := &slog.HandlerOptions{Level: &least}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options)), &least
	}
	return slog.New(slog.NewJSONHandler(w, options)), &least
}
