// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"evener/firmware/api"
	"evener/firmware/manage"
)

// atSerial are the commands that the serial console runs. They need no file, no
// other terminal and no end of the program, and they print no secret.
var atSerial = []string{
	"status", "show blackbox", "show certificates", "show clusters", "show connections", "show console", "show ha", "show hardware", "show history",
	"show log", "show network", "show persistence", "show pools", "show ports", "show rules", "show servers", "show time", "show traffic", "show weights",
	"config adopt", "config commit", "config confirm", "config diff", "config discard", "config extend", "config history", "config rebase",
	"config revert", "config rollback", "config show",
	"ha rebalance", "ha rehearsals", "ha show", "ha switch", "ha sync", "ha timeline", "ha track",
	"server cancel", "server disable", "server drain", "server enable", "server preview", "server quiesce", "server weight",
	"certificate list", "certificate renew", "certificate show", "trust list",
	"events", "events ack", "audit", "audit verify", "alert list", "alert test", "persistence clear", "probe", "explain", "responder test",
	"user list", "user remove", "user reset-totp", "user role", "session list", "session revoke", "token list", "token revoke",
	"throttle clear", "throttle list", "restart", "ping", "trace", "dns", "capture list", "capture start", "capture stop", "capture delete",
}

// originKey is where a context says by which way a command line came.
type originKey struct{}

// consoleCommand returns what runs a command line for the serial console of the box
// whose state is in dir.
func consoleCommand(dir string) func(context.Context, []string, io.Writer) error {
	return func(ctx context.Context, args []string, out io.Writer) error {
		if len(args) == 0 || args[0] == "help" || args[0] == "?" {
			fmt.Fprintln(out, "Commands of this line; COMMAND --help says more:")
			for _, c := range atSerial {
				fmt.Fprintln(out, "  "+c)
			}
			return nil
		}
		root := newRoot()
		for _, a := range args {
			if a == "--" || a == "--state" || strings.HasPrefix(a, "--state=") {
				return fmt.Errorf("%s has no place here: the commands are for this box", a)
			}
		}
		cmd, _, err := root.Find(args)
		if err != nil {
			return err
		}
		if cmd == root {
			return fmt.Errorf("there is no command %q; help lists what there is", args[0])
		}
		path := strings.TrimPrefix(cmd.CommandPath(), "evener ")
		group := slices.ContainsFunc(atSerial, func(c string) bool { return strings.HasPrefix(c, path+" ") })
		if !slices.Contains(atSerial, path) && !group {
			return fmt.Errorf("the serial console does not have %q: it needs a file, a terminal, or shows a secret; help lists what there is", path)
		}
		root.SetArgs(append([]string{"--state", dir}, args...)) // first: an option that lacks its value must not take it
		root.SetIn(strings.NewReader(""))
		root.SetOut(out)
		root.SetErr(out)
		err = root.ExecuteContext(context.WithValue(ctx, originKey{}, "serial"))
		if err == nil || err.Error() == "" { // such as status, which has printed what is wrong
			return nil
		}
		if hint := advice(err); hint != "" {
			fmt.Fprintln(out, hint)
		}
		return err
	}
}

// saveBundle writes a support bundle into the folder dir.
func saveBundle(ctx context.Context, sock, dir string) (string, error) {
	c, err := api.Dial(sock)
	if err != nil {
		return "", api.Errorf(api.CodeFailed, "unreachable", "%v", err)
	}
	defer c.Close()
	c.Origin = "serial"
	name := filepath.Join(dir, "evener-support-"+time.Now().UTC().Format("20060102-150405")+".tar.gz")
	_, err = saveDownload[manage.SupportBundle](ctx, c, "support.bundle", struct{}{}, name)
	return name, err
}

// mountedDisks lists where disks are mounted that people plug in.
func mountedDisks() (dirs []string) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || !strings.HasPrefix(fields[0], "/dev/") {
			continue
		}
		dir := strings.ReplaceAll(fields[1], `\040`, " ") // as getmntent(3) has it
		for _, top := range []string{"/media/", "/mnt/", "/run/media/"} {
			if strings.HasPrefix(dir+"/", top) {
				dirs = append(dirs, dir)
				break
			}
		}
	}
	return dirs
}
