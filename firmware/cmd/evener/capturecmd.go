// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
	"evener/firmware/capture"
	"evener/firmware/manage"
)

func newCapture() *cobra.Command {
	id := func(_ *cobra.Command, args []string) (any, error) { return map[string]any{"id": args[0]}, nil }
	stop := simple("stop ID", "end a capture", cobra.ExactArgs(1), "capture.stop", id,
		func(w io.Writer, c manage.Capture) { fmt.Fprintf(w, "%s: %s\n", c.ID, captureState(c)) })
	remove := simple("delete ID", "delete a capture that has ended", cobra.ExactArgs(1), "capture.delete", id,
		func(io.Writer, struct{}) {})
	return group("capture", "capture packets, with the exchanges that they belong to",
		newCaptureRun(), newCaptureStart(), newCaptureList(), stop, newCaptureSave(), remove)
}

// captureFlags are what a capture takes; the function that is returned makes the
// parameters of them and of a filter.
func captureFlags(cmd *cobra.Command) func(filter []string) map[string]any {
	var faces []string
	var cluster string
	var snaplen int
	var bytes, packets int64
	var limit time.Duration
	var ring bool
	f := cmd.Flags()
	f.StringSliceVarP(&faces, "interface", "i", []string{"any"}, "port or interface; may be repeated")
	clusterFlag(cmd, &cluster, "only packets of this cluster's clients and members")
	f.IntVarP(&snaplen, "snaplen", "s", 262144, "bytes kept of each packet")
	f.Int64Var(&bytes, "max-bytes", 32<<20, "bytes at most")
	f.Int64VarP(&packets, "max-packets", "c", 0, "packets at most; 0: no limit")
	f.DurationVar(&limit, "max-time", 5*time.Minute, "time at most")
	f.BoolVar(&ring, "ring", false, "go on at --max-bytes, and give up the oldest packets")
	return func(filter []string) map[string]any {
		return map[string]any{"interfaces": faces, "cluster": cluster, "snaplen": snaplen, "max_bytes": bytes, "max_packets": packets,
			"max_time": api.Duration(limit), "ring": ring, "filter": strings.Join(filter, " ")}
	}
}

func newCaptureStart() *cobra.Command {
	var params func([]string) map[string]any
	cmd := simple("start [FILTER...]", "begin a capture, and leave it alone", cobra.ArbitraryArgs, "capture.start",
		func(_ *cobra.Command, args []string) (any, error) { return params(args), nil },
		func(w io.Writer, c manage.Capture) { fmt.Fprintln(w, c.ID) })
	params = captureFlags(cmd)
	return cmd
}

func newCaptureList() *cobra.Command {
	return simple("list", "captures that run or are kept, the newest first", cobra.NoArgs, "capture.list", noParams,
		func(w io.Writer, list manage.Captures) {
			table(w, "ID STATE PACKETS BYTES LOST JOINED INTERFACES BY FILTER", func(add func(...any)) {
				for _, c := range list.Captures {
					add(c.ID, captureState(c), c.Packets, c.Bytes, c.Lost, c.Joined, strings.Join(c.Interfaces, ","), c.By, c.Filter)
				}
			})
			for _, c := range list.Captures {
				if c.Problem != "" {
					fmt.Fprintf(w, "%s: %s\n", c.ID, c.Problem)
				}
			}
			fmt.Fprintln(w, "interfaces:", strings.Join(list.Interfaces, " "))
		})
}

func captureState(c manage.Capture) string {
	if c.State == capture.Done && c.Reason != "" {
		return c.State + " (" + c.Reason + ")"
	}
	return c.State
}

func newCaptureSave() *cobra.Command {
	return &cobra.Command{Use: "save ID FILE", Short: "write the file of a capture that has ended", Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := dial(cmd)
			if err != nil {
				return err
			}
			defer c.Close()
			d, err := saveDownload[manage.CaptureDownload](cmd.Context(), c, "capture.download", map[string]any{"id": args[0]}, args[1])
			if err != nil {
				return err
			}
			return show(cmd, d, func(w io.Writer) { fmt.Fprintf(w, "%d bytes are in %s\n", d.Size, args[1]) })
		}}
}

// saveDownload writes what a method sends into a file that there is not yet.
func saveDownload[R any](ctx context.Context, c *api.Client, method string, params any, name string) (result R, err error) {
	r, err := c.Download(ctx, method, params, &result)
	if err != nil {
		return result, err
	}
	defer r.Close()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return result, err
	}
	_, err = io.Copy(f, r)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(name) // half a file is none
	}
	return result, err
}

func newCaptureRun() *cobra.Command {
	var name string
	cmd := &cobra.Command{Use: "run [FILTER...]", Short: "capture until a limit or Ctrl-C, and write the file"}
	params := captureFlags(cmd)
	cmd.Flags().StringVarP(&name, "write", "w", "", "file to write; must be given, and must not be there yet")
	cmd.Args = cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if name == "" {
			return usageError{errors.New("say with -w FILE where the packets are to go")}
		}
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s is there already", name)
		}
		c, err := dial(cmd)
		if err != nil {
			return err
		}
		defer c.Close()
		return runCapture(cmd, c, params(args), name)
	}
	return cmd
}

// runCapture carries a capture from its start to its file. An interrupt ends the
// capture, not the command.
func runCapture(cmd *cobra.Command, c *api.Client, params map[string]any, name string) error {
	var at manage.Capture
	if err := c.Call(cmd.Context(), "capture.start", params, &at); err != nil {
		return err
	}
	id, ctx := map[string]any{"id": at.ID}, context.WithoutCancel(cmd.Context())
	fmt.Fprintf(cmd.ErrOrStderr(), "capturing on %s; Ctrl-C ends it\n", strings.Join(at.Interfaces, ", "))
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	interrupted := cmd.Context().Done()
	for at.State != capture.Done {
		select {
		case <-interrupted:
			interrupted = nil
			if err := c.Call(ctx, "capture.stop", id, nil); err != nil {
				return err
			}
		case <-tick.C:
		}
		var err error
		if at, err = findCapture(ctx, c, at.ID); err != nil {
			return err
		}
	}
	if _, err := saveDownload[manage.CaptureDownload](ctx, c, "capture.download", id, name); err != nil {
		return fmt.Errorf("%w; evener capture save %s FILE tries again", err, at.ID)
	}
	if err := c.Call(ctx, "capture.delete", id, nil); err != nil {
		return err
	}
	return show(cmd, at, func(w io.Writer) {
		fmt.Fprintf(w, "%d packets are in %s (ended: %s); %d of them name their exchange, %d were lost\n", at.Packets, name, at.Reason, at.Joined, at.Lost)
		if at.Problem != "" {
			fmt.Fprintln(w, at.Problem)
		}
	})
}

func findCapture(ctx context.Context, c *api.Client, id string) (manage.Capture, error) {
	var list manage.Captures
	if err := c.Call(ctx, "capture.list", struct{}{}, &list); err != nil {
		return manage.Capture{}, err
	}
	for _, at := range list.Captures {
		if at.ID == id {
			return at, nil
		}
	}
	return manage.Capture{}, fmt.Errorf("somebody has deleted the capture %s", id)
}
