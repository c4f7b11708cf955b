// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net"
	"net/http"
	"time"
)

// An Origin is a server, in a lab one in the back network. It answers with its name; to
// /stream?seconds=N it sends a line each tenth of a second for so long.
type Origin struct {
	Space *Space
	Name  string

	server *http.Server
}

// mostSeconds bounds what /stream sends.
const mostSeconds = 60

// Serve answers at port 80 of the namespace until Close.
func (o *Origin) Serve() error {
	var l net.Listener
	err := o.Space.Do(func() (err error) {
		l, err = net.Listen("tcp4", ":80")
		return err
	})
	if err != nil {
		return fmt.Errorf("server %s: %w", o.Name, err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("/stream", o.stream)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Server-Name", o.Name)
		fmt.Fprintln(w, o.Name)
	})
	o.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go o.server.Serve(l) // ends with Close
	return nil
}

func (o *Origin) stream(w http.ResponseWriter, r *http.Request) {
	seconds := 1
	if _, err := fmt.Sscanf(r.FormValue("seconds"), "%d", &seconds); err != nil || seconds < 1 || seconds > mostSeconds {
		http.Error(w, fmt.Sprintf("seconds is a number from 1 to %d", mostSeconds), http.StatusBadRequest)
		return
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := range 10 * seconds {
		if _, err := fmt.Fprintf(w, "%s %d\n", o.Name, i); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// Close ends the server, if it was begun.
func (o *Origin) Close() {
	if o.server != nil {
		o.server.Close()
	}
}
