// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"evener/board"
	"evener/firmware/api"
	"evener/firmware/manage"
)

// tellWhenUp prints what to open as soon as the engine answers. A box that cannot
// serve its clients yet says why at once, and later when it does.
func tellWhenUp(ctx context.Context, c runConfig, w io.Writer) {
	told := false
	for ctx.Err() == nil {
		info, clusters, code, err := askBox(ctx, c.state)
		serves := err == nil && len(info.Generations) > 0
		switch {
		case err == nil && !told:
			printWelcome(w, c, info, clusters, code)
			told = true
		case serves:
			fmt.Fprintf(w, "\nClients are served now:\n")
			printAddresses(w, info, clusters)
		}
		if serves {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// askBox asks what a welcome tells. The code is that with which the first admin is
// made, "" once there is one.
func askBox(ctx context.Context, state string) (i manage.Info, cl manage.Clusters, code string, err error) {
	client, err := api.Dial(filepath.Join(state, api.EngineSocket))
	if err != nil {
		return i, cl, "", err
	}
	defer client.Close()
	if err = client.Call(ctx, "sys.info", struct{}{}, &i); err == nil {
		err = client.Call(ctx, "cluster.list", struct{}{}, &cl)
	}
	var setup manage.SetupCode
	if err == nil && client.Call(ctx, "auth.setup_code", struct{}{}, &setup) == nil {
		code = setup.Code // without users, ATTENTION says so
	}
	return i, cl, code, err
}

func printWelcome(w io.Writer, c runConfig, i manage.Info, cl manage.Clusters, code string) {
	exe, err := os.Executable()
	if err != nil {
		exe = "evener"
	}
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, exe); err == nil && len(rel) < len(exe) {
			exe = rel
		}
	}
	fmt.Fprintf(w, "\nEvener %s runs on board %s, revision %d.\n\n", i.Version, i.Board, i.Revision)
	for _, p := range i.Problems {
		fmt.Fprintln(w, "ATTENTION:", p)
	}
	if len(i.Generations) == 0 {
		fmt.Fprintln(w, "No client is served until then. The box goes on by itself as soon as it can; its configuration can be changed.")
	}
	printAddresses(w, i, cl)
	printEntrance(w, i.Console, code)
	fmt.Fprint(w, printSerial(c.state))
	fmt.Fprintf(w, "\nIn another terminal:\n  export EVENER_STATE=%s\n", c.state)
	for _, l := range thingsToTry(c, cl) {
		fmt.Fprintf(w, "  %s %s\n", exe, l)
	}
	fmt.Fprintf(w, "  %s config edit && %[1]s config commit --confirm 2m\n\nEnd it with Ctrl-C.\n", exe)
}

// printAddresses lists what listens.
func printAddresses(w io.Writer, i manage.Info, cl manage.Clusters) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range cl.Clusters {
		for _, l := range c.Listen {
			url := l
			if c.Protocol == "http" || c.Protocol == "https" {
				url = c.Protocol + "://" + l
			}
			fmt.Fprintf(tw, "cluster %s\t%s\n", c.Name, url)
		}
	}
	if i.Metrics != "" {
		fmt.Fprintf(tw, "metrics\t%s\n", i.Metrics)
	}
	for _, a := range i.Console.Addresses {
		fmt.Fprintf(tw, "console\t%s\n", a)
	}
	tw.Flush()
}

// thingsToTry names commands that make sense on this box as it is configured.
func thingsToTry(c runConfig, cl manage.Clusters) []string {
	list := []string{"status", "show servers", "panel"}
	for _, c := range cl.Clusters {
		if c.Protocol == "http" {
			list = append(list, "explain --cluster "+c.Name+" GET http://"+c.Listen[0]+"/")
			break
		}
	}
	if b, err := board.ByName(c.board); err == nil && len(b.Origins) > 1 {
		list = append(list, "demo origin "+b.Origins[1].Name+" dead")
	}
	return list
}
