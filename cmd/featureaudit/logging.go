package main

import (
	"io"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/pflag"
)

// logFlags are the flags of every command that logs.
type logFlags struct {
	format *string
	level  *string
}

func addLogFlags(flags *pflag.FlagSet) logFlags {
	return logFlags{
		format: flags.String("log-format", "", "json or console (default: console on a terminal, else json)"),
		level:  flags.String("log-level", "info", "debug, info, warn, error or none"),
	}
}

// logger writes to w, which stands before stderr, with the program's own clock.
func (c *cli) logger(w io.Writer, l logFlags) (zerolog.Logger, error) {
	format := *l.format
	if format == "" {
		format = "json"
		if c.stderrTerminal {
			format = "console"
		}
	}
	if err := oneOf("log-format", format, "json", "console"); err != nil {
		return zerolog.Nop(), err
	}
	levels := map[string]zerolog.Level{
		"debug": zerolog.DebugLevel, "info": zerolog.InfoLevel, "warn": zerolog.WarnLevel, "error": zerolog.ErrorLevel, "none": zerolog.Disabled,
	}
	level, ok := levels[*l.level]
	if !ok {
		return zerolog.Nop(), usagef("--log-level %q: expected debug, info, warn, error or none", *l.level)
	}
	if format == "console" {
		w = zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly, NoColor: !c.stderrTerminal || c.env["NO_COLOR"] != ""}
	}
	stamp := zerolog.HookFunc(func(e *zerolog.Event, _ zerolog.Level, _ string) {
		e.Time(zerolog.TimestampFieldName, c.now().UTC())
	})
	return zerolog.New(w).Level(level).Hook(stamp), nil
}
