// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/console"
	"evener/firmware/manage"
)

// maxCompletions is how many ways to go on are shown.
const maxCompletions = 200

// Complete tells how a line may go on, as the completion of a shell does.
func (w *webCommands) Complete(ctx context.Context, reg *api.Registry, who api.Call, line string) (manage.Completions, error) {
	words, last, raw := partialWords(line)
	out := manage.Completions{Replaces: raw, Completions: []manage.Completion{}}
	if !completable(words) {
		return out, nil // cobra would complain of it in the engine's log
	}
	ctx, stop := w.connect(ctx, reg, who)
	defer stop()
	root := webRoot(newRoot())
	var said bytes.Buffer
	root.SetArgs(append(append([]string{cobra.ShellCompRequestCmd}, words...), last))
	root.SetIn(strings.NewReader(""))
	root.SetOut(&said)
	root.SetErr(io.Discard)
	if err := root.ExecuteContext(ctx); err != nil {
		return out, nil // a line that makes no sense goes on in no way
	}
	directive := cobra.ShellCompDirectiveError
	for l := range strings.Lines(said.String()) {
		l = strings.TrimSuffix(l, "\n")
		if rest, ok := strings.CutPrefix(l, ":"); ok {
			if n, err := strconv.Atoi(rest); err == nil {
				directive = cobra.ShellCompDirective(n)
			}
			continue
		}
		text, help, _ := strings.Cut(l, "\t")
		if strings.HasPrefix(text, last) && text != "" && len(out.Completions) < maxCompletions {
			out.Completions = append(out.Completions, manage.Completion{Text: quoted(printable(text)), Help: printable(help)})
		}
	}
	if directive&cobra.ShellCompDirectiveError != 0 {
		out.Completions = out.Completions[:0]
	}
	out.Space = directive&cobra.ShellCompDirectiveNoSpace == 0
	return out, nil
}

// completable reports whether words, to which one is to be added, make sense.
func completable(words []string) bool {
	cmd, rest, err := webRoot(newRoot()).Find(words)
	if err != nil {
		return false
	}
	cmd.InitDefaultHelpFlag()
	if n := len(rest); n > 0 && strings.HasPrefix(rest[n-1], "-") && !strings.Contains(rest[n-1], "=") {
		name := strings.TrimLeft(rest[n-1], "-")
		f := cmd.Flag(name)
		if len(name) == 1 {
			f = cmd.Flags().ShorthandLookup(name)
			if f == nil {
				f = cmd.InheritedFlags().ShorthandLookup(name)
			}
		}
		if f == nil {
			return false
		}
		rest = rest[:n-1] // its value may be what is typed
	}
	return cmd.ParseFlags(rest) == nil
}

// commandWords breaks a line into words; quotes hold words together. The name of the
// program in front is left out: the manual has it there.
func commandWords(line string) ([]string, error) {
	words, err := console.Words(line)
	if err != nil {
		return nil, usageError{err}
	}
	return withoutName(words), nil
}

// partialWords breaks up a line that ends where somebody is typing: the words before,
// and the last one, which may be empty, as it is meant and as it is written.
func partialWords(line string) (words []string, last, raw string) {
	words, last, raw, _ = console.Lex(line)
	return withoutName(words), last, raw
}

func withoutName(words []string) []string {
	if len(words) > 0 && words[0] == "evener" {
		return words[1:]
	}
	return words
}

// quoted writes a word so that commandWords reads it as one.
func quoted(word string) string {
	switch {
	case word != "" && !strings.ContainsAny(word, ` '"`):
		return word
	case !strings.Contains(word, "'"):
		return "'" + word + "'"
	case !strings.Contains(word, `"`):
		return `"` + word + `"`
	}
	return "'" + strings.ReplaceAll(word, "'", `'"'"'`) + "'"
}
