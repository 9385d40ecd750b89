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

// level is info for what Validate refuses.
func (c LogConfig) level() slog.Level {
	switch strings.ToLower(c.Level) {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	}
	return slog.LevelInfo
}

// NewLogger makes the process's logger; c must be valid.
func NewLogger(c LogConfig, w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.level()}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
