// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What several topics have at a tick reaches a client with one write, whenever
// they were subscribed to.
func TestNewsOfATickGoOutTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		y := newYard()
		for _, name := range []string{"state.sum", "state.rest"} {
			n := 0
			AddState(y.reg, Topic{Name: name, Purpose: "Counts.", Role: Viewer, Every: time.Second},
				func(context.Context, Call, struct{}) (map[string]int, error) {
					n++
					return map[string]int{"n": n}, nil
				})
		}
		nc, in := y.open(t, serve(t, y.reg, ServerConfig{}), `{"topic":"state.sum"}`)
		defer nc.Close()
		time.Sleep(300 * time.Millisecond)
		ask(t, nc, in, "sub.open", `{"topic":"series.live","params":{"series":["a"]}}`)
		time.Sleep(300 * time.Millisecond)
		ask(t, nc, in, "sub.open", `{"topic":"state.rest"}`)
		for range 3 {
			b := make([]byte, 4096) // a pipe: a read has what one write brings
			n, err := nc.Read(b)
			if got := strings.Count(string(b[:n]), "sub.event"); err != nil || got != 3 {
				t.Errorf("one write brings %d events, %v; want those of 3 topics:\n%s", got, err, b[:n])
			}
		}
	})
}
