package service

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// LogConfig says how a process logs. Log lines go to standard error.
type LogConfig struct {
	Level  string `mapstructure:"level" doc:"Least level that is logged: debug, info, warn or error."`
	Format string `mapstructure:"format" doc:"Form of a log line: json or text."`
}

// Validate refuses an unknown level or format.
func (c LogConfig) Validate() error {
	if _, err := c.level(); err != nil {
		return err
	}
	if c.Format != "json" && c.Format != "text" {
		return fmt.Errorf("log.format: %q is neither json nor text", c.Format)
	}
	return nil
}

func (c LogConfig) level() (slog.Level, error) {
	switch strings.ToLower(c.Level) {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("log.level: %q is none of debug, info, warn, error", c.Level)
}

// NewLogger makes the process's logger; c must be valid.
func NewLogger(c LogConfig, w io.Writer) *slog.Logger {
	level, err := c.level()
	if err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}
