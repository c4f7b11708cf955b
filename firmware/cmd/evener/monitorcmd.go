// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"evener/firmware/api"
)

// monitored are the topics that evener monitor follows when none is named: those
// that move only when something happens.
var monitored = []string{"state.problems", "state.confirm", "state.candidate", "log.events"}

func newMonitor() *cobra.Command {
	cmd := &cobra.Command{Use: "monitor [TOPIC...]", Short: "print what changes and what happens, as it does",
		Args: usageArgs(cobra.ArbitraryArgs),
		RunE: func(cmd *cobra.Command, topics []string) error {
			raw, _ := cmd.Flags().GetString("params")
			var params any
			if raw != "" {
				if len(topics) != 1 || !json.Valid([]byte(raw)) {
					return usageError{errors.New("--params is the JSON of one topic's parameters, such as '{\"level\":\"warn\"}'")}
				}
				params = json.RawMessage(raw)
			}
			if len(topics) == 0 {
				topics = monitored
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			return monitor(ctx, cmd, topics, params)
		}}
	cmd.Flags().String("params", "", "JSON of the topic's parameters, where one is named")
	return cmd
}

// monitor prints the events of topics until ctx or the connection ends.
func monitor(ctx context.Context, cmd *cobra.Command, topics []string, params any) error {
	c, err := api.DialEngine(ctx, stateDir(cmd))
	if err != nil {
		return err
	}
	defer c.Close()
	format, _ := cmd.Flags().GetString("output")
	events, ended := make(chan api.Event), make(chan error)
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, topic := range topics {
		f, err := c.Follow(ctx, topic, params)
		if err != nil {
			return err
		}
		wg.Go(func() { pass(ctx, f, events, ended) })
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-ended:
			return err
		case e := <-events:
			var p printer
			if err := printEvent(&p, e, format == "json"); err != nil {
				return err
			}
			if _, err := io.WriteString(cmd.OutOrStdout(), p.text()); err != nil {
				return err
			}
		}
	}
}

// pass hands the events of f on until ctx ends, or their end.
func pass(ctx context.Context, f *api.Following, events chan<- api.Event, ended chan<- error) {
	for {
		e, err := f.Next(ctx)
		if err != nil {
			select {
			case ended <- err:
			case <-ctx.Done():
			}
			return
		}
		select {
		case events <- e:
		case <-ctx.Done():
			return
		}
	}
}

// A monitorLine is one line of evener monitor -o json.
type monitorLine struct {
	Time    time.Time `json:"time"`
	Topic   string    `json:"topic"`
	Seq     uint64    `json:"seq"`
	Key     string    `json:"key,omitempty"` // of a state: the object
	Data    any       `json:"data"`          // null: the object is gone
	Dropped uint64    `json:"dropped,omitempty"`
}

// printEvent prints e, a line for each object or entry.
func printEvent(w io.Writer, e api.Event, asJSON bool) error {
	line := monitorLine{Time: time.Now(), Topic: e.Topic, Seq: e.Seq, Dropped: e.Dropped}
	switch {
	case e.Dropped > 0:
		return line.print(w, asJSON)
	case strings.HasPrefix(e.Topic, "state."):
		patch, err := api.Objects{}.Apply(e)
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(patch)) {
			line.Key, line.Data = key, patch[key]
			if err := line.print(w, asJSON); err != nil {
				return err
			}
		}
		return nil
	case e.Snapshot != nil:
		var past struct {
			Entries []json.RawMessage `json:"entries"`
		}
		if err := json.Unmarshal(e.Snapshot, &past); err != nil {
			return fmt.Errorf("read the snapshot of %s: %w", e.Topic, err)
		}
		for _, entry := range past.Entries {
			line.Data = entry
			if err := line.print(w, asJSON); err != nil {
				return err
			}
		}
		return nil
	case e.Data == nil:
		return nil
	}
	line.Data = e.Data
	return line.print(w, asJSON)
}

func (l monitorLine) print(w io.Writer, asJSON bool) error {
	data, err := json.Marshal(l.Data)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(w).Encode(l)
	}
	text := string(data)
	switch {
	case l.Dropped > 0:
		text = fmt.Sprintf("%d entries were lost here", l.Dropped)
	case l.Data == nil:
		text = "gone"
	}
	_, err = fmt.Fprintln(w, l.Time.Format(time.TimeOnly), l.Topic, dash(l.Key), text)
	return err
}
