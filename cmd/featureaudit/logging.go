package main

import (
	"bytes"
	"io"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit/report"
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
	w = plainEvents{w: w, shown: format == "console"}
	stamp := zerolog.HookFunc(func(e *zerolog.Event, _ zerolog.Level, _ string) {
		e.Time(zerolog.TimestampFieldName, c.now().UTC())
	})
	return zerolog.New(w).Level(level).Hook(stamp), nil
}

// plainEvents takes log events, each one JSON object, and lets nothing through that acts on a terminal.
type plainEvents struct {
	w io.Writer
	// shown says that what follows writes strings as they are: their escapes are made text.
	shown bool
}

func (p plainEvents) Write(event []byte) (int, error) {
	plain := report.EscapeHidden(event)
	if p.shown {
		plain = escapesAsText(plain)
	}
	if _, err := p.w.Write(plain); err != nil {
		return 0, err
	}
	return len(event), nil
}

// escapesAsText doubles the backslash of each escape that stands for a character that is not printed.
func escapesAsText(document []byte) []byte {
	out := make([]byte, 0, len(document))
	for i := 0; i < len(document); i++ {
		out = append(out, document[i])
		if document[i] != '\\' || i+1 == len(document) {
			continue
		}
		i++
		if bytes.IndexByte([]byte("bfnru"), document[i]) >= 0 {
			out = append(out, '\\')
		}
		out = append(out, document[i])
	}
	return out
}
