// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"evener/firmware/api"
)

// WebOrigin is the origin of what a command line of the console calls.
const WebOrigin = "web"

// Bounds of command lines.
const (
	maxCommandLine = 4096        // bytes
	maxCommands    = 4           // at a time, of all users
	commandTime    = time.Minute // of one
	completeTime   = 5 * time.Second
)

// A CommandLine runs the commands of the command line for people who have no
// terminal. All that a command does it must do by calling the methods of reg as who.
type CommandLine interface {
	// Run runs a line until it has ended or ctx has. An error is why it was not
	// begun, or could not go on without the caller's password.
	Run(ctx context.Context, reg *api.Registry, who api.Call, line string) (CommandOutput, error)

	// Complete tells how line, which ends where the cursor is, may go on.
	Complete(ctx context.Context, reg *api.Registry, who api.Call, line string) (Completions, error)
}

type commandParams struct {
	Line string `json:"line" doc:"a command as after evener; quotes hold words together"`
}

// A CommandOutput is what a command has printed.
type CommandOutput struct {
	Output   string `json:"output" doc:"text; control characters in it are spelled out"`
	Exit     int    `json:"exit" doc:"0 ok, 1 failed, 2 usage, 3 not found, 4 conflict, 5 refused"`
	Cut      bool   `json:"cut,omitempty" doc:"it was longer than 256 KiB; the rest is lost"`
	TimedOut bool   `json:"timed_out,omitempty" doc:"it was ended after a minute; what it had begun may go on"`
}

// Completions are how a command line may go on.
type Completions struct {
	Replaces    string       `json:"replaces" doc:"the end of the line, whose place a completion takes"`
	Completions []Completion `json:"completions" doc:"at most 200"`
	Space       bool         `json:"space" doc:"a space follows where there is only one"`
}

// A Completion is one way in which a command line may go on.
type Completion struct {
	Text string `json:"text"`
	Help string `json:"help,omitempty"`
}

func (b *Box) addCommandLine(reg *api.Registry) {
	places := make(chan struct{}, maxCommands)
	// They change nothing themselves: what a command calls is checked, and in the audit
	// log, as if the caller had called it.
	api.Add(reg, api.Method{Name: "cli.exec", Purpose: "Runs a command of the command line with the caller's rights, and returns what it prints.",
		Role: api.Viewer, Timeout: commandTime + 30*time.Second},
		func(ctx context.Context, c api.Call, p commandParams) (CommandOutput, error) {
			if err := b.checkCommand(p.Line); err != nil {
				return CommandOutput{}, err
			}
			select {
			case places <- struct{}{}:
				defer func() { <-places }()
			default:
				return CommandOutput{}, api.Errorf(api.CodeTooMany, "too_many.commands", "%d commands run at the moment: wait for one", maxCommands)
			}
			whole := ctx
			ctx, cancel := context.WithTimeout(ctx, commandTime)
			defer cancel()
			out, err := b.cfg.Commands.Run(ctx, reg, commandCaller(c), p.Line)
			if err == nil && whole.Err() != nil {
				return CommandOutput{}, whole.Err() // nobody waits for it any more
			}
			out.TimedOut = err == nil && ctx.Err() != nil
			return out, err
		})
	api.Add(reg, api.Method{Name: "cli.complete", Purpose: "Tells how a command line may go on: commands, flags and names.", Role: api.Viewer, Idempotent: true},
		func(ctx context.Context, c api.Call, p commandParams) (Completions, error) {
			if err := b.checkCommand(p.Line); err != nil {
				return Completions{}, err
			}
			ctx, cancel := context.WithTimeout(ctx, completeTime)
			defer cancel()
			return b.cfg.Commands.Complete(ctx, reg, commandCaller(c), p.Line)
		})
}

// commandCaller is who calls for the command line of c: the same, by another way.
func commandCaller(c api.Call) api.Call {
	if c.Origin == ConsoleRole {
		c.Origin = WebOrigin
	}
	return c
}

func (b *Box) checkCommand(line string) error {
	switch {
	case b.cfg.Commands == nil:
		return api.Errorf(api.CodeFailed, "command.none", "this box has no command line")
	case len(line) > maxCommandLine:
		return api.Errorf(api.CodeParams, "params.line", "the line has %d bytes; at most %d are taken", len(line), maxCommandLine)
	case !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl):
		return api.Errorf(api.CodeParams, "params.line", "the line must be text on one line, without control characters")
	}
	return nil
}

// atBrowser reports whether whoever calls sits at the console.
func atBrowser(c api.Call) bool { return c.Origin == ConsoleRole || c.Origin == WebOrigin }
