// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A documented command is a heading of docs/manual/cli.md and the flags in the
// table below it, each with its default.
type documented map[string]map[string]string

// everywhere is the heading of the flags that all commands have.
const everywhere = "For every command"

var (
	heading = regexp.MustCompile("^#+ (?:`(evener .*)`|" + everywhere + ")$")
	flagRow = regexp.MustCompile("^\\| (?:`(-.)`, )?`--([a-z0-9-]+)` \\| (?:`([^`]*)`)? ?\\|")
)

// TestCLIPageDescribesEveryCommand compares docs/manual/cli.md with the commands,
// their arguments, flags and defaults, both ways.
func TestCLIPageDescribesEveryCommand(t *testing.T) {
	page, program := documentedCommands(t), documented{}
	root := newRoot()
	program[everywhere] = flagsOf(root.PersistentFlags())
	collect(root, program)
	if len(program) < 20 {
		t.Fatalf("only %d commands were found", len(program))
	}
	for command, flags := range program {
		have, ok := page[command]
		if !ok {
			t.Errorf("docs/manual/cli.md lacks the heading \"### `%s`\"", command)
			continue
		}
		for name, value := range flags {
			switch got, ok := have[name]; {
			case !ok:
				t.Errorf("docs/manual/cli.md: %s: the flag %s is missing", command, name)
			case got != value:
				t.Errorf("docs/manual/cli.md: %s: %s has the default %q, not %q", command, name, value, got)
			}
		}
		for name := range have {
			if _, ok := flags[name]; !ok {
				t.Errorf("docs/manual/cli.md: %s: there is no flag %s", command, name)
			}
		}
	}
	for command := range page {
		if _, ok := program[command]; !ok {
			t.Errorf("docs/manual/cli.md describes %q, which is no command", command)
		}
	}
}

// collect adds the commands below cmd that do something themselves.
func collect(cmd *cobra.Command, all documented) {
	for _, sub := range cmd.Commands() {
		switch {
		case sub.Hidden || slices.Contains([]string{"help", "completion"}, sub.Name()):
		case sub.HasSubCommands():
			if sub.LocalFlags().HasFlags() { // it does something by itself
				all[cmd.CommandPath()+" "+sub.Use] = flagsOf(sub.LocalFlags())
			}
			collect(sub, all)
		default:
			all[cmd.CommandPath()+" "+sub.Use] = flagsOf(sub.Flags())
		}
	}
}

// flagsOf returns the defaults of flags by "-x --name".
func flagsOf(set *pflag.FlagSet) map[string]string {
	flags := map[string]string{}
	set.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && !f.Hidden {
			flags[flagKey(f.Shorthand, f.Name)] = f.DefValue
		}
	})
	return flags
}

func flagKey(short, name string) string {
	if short != "" {
		return "-" + strings.TrimPrefix(short, "-") + " --" + name
	}
	return "--" + name
}

func documentedCommands(t *testing.T) documented {
	t.Helper()
	page, command := documented{}, ""
	for line := range strings.Lines(readTree(t, "docs/manual/cli.md")) {
		line = strings.TrimRight(line, "\n")
		if m := heading.FindStringSubmatch(line); m != nil {
			if command = m[1]; command == "" {
				command = everywhere
			}
			page[command] = map[string]string{}
			continue
		}
		if strings.HasPrefix(line, "#") {
			command = ""
		}
		if m := flagRow.FindStringSubmatch(line); m != nil {
			if command == "" {
				t.Errorf("docs/manual/cli.md: %q stands below no command", line)
				continue
			}
			page[command][flagKey(m[1], m[2])] = m[3]
		}
	}
	return page
}
