// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/console"
	"evener/firmware/manage"
)

// maxCommandOutput is how many bytes of what a command prints are kept.
const maxCommandOutput = 256 << 10

// A dialerKey is where a context says how to reach the box, in place of its socket.
type dialerKey struct{}

type dialer func() (*api.Client, error)

// webCommands runs the commands of the serial console for the console's pages, within
// the engine. They reach the box over a connection in memory on which the session
// that asked is the caller: whatever a command does, it cannot do more. They have no
// socket, no file and no terminal.
type webCommands struct{ log *slog.Logger }

// Run runs a line.
func (w *webCommands) Run(ctx context.Context, reg *api.Registry, who api.Call, line string) (manage.CommandOutput, error) {
	out := &console.Kept{Max: maxCommandOutput}
	err := w.run(ctx, reg, who, line, out)
	if e := api.AsError(err); err != nil && e.Kind == "auth.sudo" {
		return manage.CommandOutput{}, e // the page asks for the password, and for the command again
	}
	if err != nil && err.Error() != "" && ctx.Err() == nil {
		fmt.Fprintln(out, "error:", err)
		if hint := advice(err); hint != "" {
			fmt.Fprintln(out, hint)
		}
	}
	code := 0
	if err != nil {
		code = exitCode(err)
	}
	return manage.CommandOutput{Output: textOf(out), Exit: code, Cut: out.Cut}, nil
}

func (w *webCommands) run(ctx context.Context, reg *api.Registry, who api.Call, line string, out io.Writer) error {
	words, err := commandWords(line)
	if err != nil || len(words) == 0 {
		return err
	}
	all := newRoot()
	if err := refuseOthers(all, words); err != nil {
		return err
	}
	root := webRoot(all)
	if words[0] == "help" && len(words) == 1 || words[0] == "?" {
		return listCommands(root, out)
	}
	ctx, stop := w.connect(ctx, reg, who)
	defer stop()
	root.SetArgs(words)
	root.SetIn(strings.NewReader(""))
	root.SetOut(out)
	root.SetErr(out)
	return root.ExecuteContext(ctx)
}

// connect returns a context in which commands reach the methods of reg as who. stop
// ends what they have begun there, and waits for it.
func (w *webCommands) connect(ctx context.Context, reg *api.Registry, who api.Call) (_ context.Context, stop func()) {
	serving, cancel := context.WithCancel(context.Background()) // not ctx: what it carries is about the call that asked
	context.AfterFunc(ctx, cancel)
	l := newPipes()
	var wg sync.WaitGroup
	wg.Go(func() {
		identify := func(net.Conn) (api.Call, error) { return who, nil }
		if err := api.Serve(serving, l, reg, w.log, api.ServerConfig{Identify: identify, MaxConns: 8}); err != nil {
			w.log.Error("command line not served", "err", err)
		}
	})
	dial := dialer(func() (*api.Client, error) {
		nc, err := l.dial(serving)
		if err != nil {
			return nil, err
		}
		return api.NewClient(nc), nil
	})
	return context.WithValue(ctx, dialerKey{}, dial), func() { cancel(); wg.Wait() }
}

// webRoot leaves of all commands those that the console has.
func webRoot(root *cobra.Command) *cobra.Command {
	prune(root, "")
	root.CompletionOptions.DisableDefaultCmd = true
	_ = root.PersistentFlags().MarkHidden("state") // the error is for a flag that there is not
	check := root.PersistentPreRunE
	root.PersistentPreRunE = func(cmd *cobra.Command, args []string) error {
		for flag, why := range map[string]string{"state": "the commands are for this box", "follow": "a command ends here; the pages Events and Logs go on with what comes"} {
			if f := cmd.Flags().Lookup(flag); f != nil && f.Changed {
				return usageError{fmt.Errorf("--%s has no place here: %s", flag, why)}
			}
		}
		return check(cmd, args)
	}
	return root
}

// prune takes away from cmd the commands that the serial console does not have.
func prune(cmd *cobra.Command, path string) {
	for _, sub := range cmd.Commands() {
		name := strings.TrimPrefix(path+" "+sub.Name(), " ")
		prune(sub, name)
		if !slices.Contains(atSerial, name) && !sub.HasSubCommands() {
			cmd.RemoveCommand(sub)
		}
		if f := sub.Flags().Lookup("follow"); f != nil {
			f.Hidden = true
		}
	}
}

// refuseOthers says of a command that there is why it is not here, and of what a shell
// would make of a line that nobody does.
func refuseOthers(root *cobra.Command, words []string) error {
	for _, word := range words {
		if slices.Contains([]string{"|", "||", "&", "&&", ";", ">", ">>", "<"}, word) {
			return usageError{fmt.Errorf("%s has no place here: this is no shell, one command is one line", word)}
		}
	}
	if strings.HasPrefix(words[0], "__") { // what shells call for completion
		return usageError{fmt.Errorf("there is no command %q; help lists what there is", words[0])}
	}
	cmd, _, err := root.Find(words)
	if err != nil || cmd == root {
		return nil // for cobra to say
	}
	path := strings.TrimPrefix(cmd.CommandPath(), "evener ")
	group := slices.ContainsFunc(atSerial, func(c string) bool { return strings.HasPrefix(c, path+" ") })
	if !slices.Contains(atSerial, path) && !group {
		return usageError{fmt.Errorf("the console does not have %q: it needs a file, a terminal, or shows a secret; help lists what there is", path)}
	}
	return nil
}

// listCommands prints the commands of root with what they do.
func listCommands(root *cobra.Command, out io.Writer) error {
	fmt.Fprintln(out, "Commands; COMMAND --help says more:")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, path := range slices.Sorted(slices.Values(atSerial)) {
		cmd, _, err := root.Find(strings.Split(path, " "))
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "  %s\t%s\n", path, cmd.Short)
	}
	return t.Flush()
}

// textOf returns what was kept, with nothing in it that could command a terminal.
func textOf(out *console.Kept) string {
	s := out.String()
	for out.Cut && len(s) > 0 { // a character may have been cut in two
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n != 1 {
			break
		}
		s = s[:len(s)-1]
	}
	return printable(strings.ToValidUTF8(s, "\ufffd"))
}

// errPipesClosed is what a command gets that goes on after its end.
var errPipesClosed = errors.New("the command has ended")

// pipes is a listener for connections within the process.
type pipes struct {
	calls chan net.Conn
	once  sync.Once
	ended chan struct{}
}

func newPipes() *pipes { return &pipes{calls: make(chan net.Conn), ended: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.calls <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.ended:
		return nil, errPipesClosed
	}
}

// Accept returns the next connection.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-p.calls:
		return nc, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

// Close makes Accept and dial fail.
func (p *pipes) Close() error {
	p.once.Do(func() { close(p.ended) })
	return nil
}

// Addr names the listener in logs.
func (p *pipes) Addr() net.Addr { return pipeAddr{} }

type pipeAddr struct{}

func (pipeAddr) Network() string { return "pipe" }
func (pipeAddr) String() string  { return "command line" }
