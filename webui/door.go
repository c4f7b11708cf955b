// SPDX-License-Identifier: Apache-2.0

package webui

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	headWait  = 10 * time.Second // for a TLS handshake, and for a request's head
	bodyWait  = 30 * time.Second // for all of a request
	writeWait = 90 * time.Second // for all of an answer, and the call before it
	idleWait  = 60 * time.Second // between requests
	leaveWait = 3 * time.Second  // for requests under way at the end

	// maxHead makes 16 KiB the longest request head: net/http lets through 4 KiB
	// more than it is told, and another 4 KiB of the second and later requests of a
	// connection.
	maxHead = 16<<10 - 2*4096
)

// A door is the HTTPS server with its listeners, which change while it runs.
type door struct {
	s    *Server
	http *http.Server

	open []net.Listener // of the addresses of the site
	wg   sync.WaitGroup // one for each listener that is served
}

func newDoor(s *Server, h http.Handler) *door {
	return &door{s: s, http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: headWait,
		ReadTimeout:       bodyWait,
		WriteTimeout:      writeWait,
		IdleTimeout:       idleWait,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 64,
			MaxReadFrameSize:     16 << 10,
			// What a client may send before anybody looks at it is held in memory.
			MaxReceiveBufferPerConnection: 64 << 10,
			MaxReceiveBufferPerStream:     64 << 10,
			SendPingTimeout:               20 * time.Second,
			PingTimeout:                   10 * time.Second,
			WriteByteTimeout:              10 * time.Second,
		},
		// The certificate is that of the settings at the time of the handshake.
		TLSConfig: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.site.Load().tls, nil },
		},
	}}
}

// apply makes the door serve as st says. Listeners that st does not name stay
// until those that it does are there; their connections finish. On an error all
// stays as it was.
func (d *door) apply(ctx context.Context, st *site) error {
	old := d.s.site.Load()
	same := old != nil && slices.Equal(old.Listen, st.Listen)
	var fresh []net.Listener
	if !same && len(st.Listen) > 0 {
		var err error
		if fresh, err = d.s.cfg.Listen(ctx, st.Listen); err != nil {
			return fmt.Errorf("listen as console { listen } says: %w", err)
		}
	}
	d.s.site.Store(st)
	d.s.socks.revise(st)
	if same {
		return nil
	}
	for _, l := range fresh {
		d.wg.Go(func() {
			if err := d.http.ServeTLS(gated{l, d.s.gate, d.s.knows}, "", ""); !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
				d.s.cfg.Log.Error("listener failed", "addr", l.Addr(), "err", err)
			}
		})
	}
	for _, l := range d.open {
		l.Close()
	}
	d.open = fresh
	d.s.cfg.Log.Info("console listens", "addrs", st.Listen)
	if d.s.cfg.Keep != nil {
		if err := d.s.cfg.Keep(st.Listen); err != nil {
			return fmt.Errorf("give up old listeners: %w", err)
		}
	}
	return nil
}

// knows says whether a peer may come, or brings others who may.
func (s *Server) knows(a netip.Addr) bool {
	st := s.site.Load()
	return st.allows(a) || within(st.TrustedProxies, a)
}

// addrs returns the addresses in use.
func (d *door) addrs() []netip.AddrPort {
	if st := d.s.site.Load(); st != nil && len(st.Listen) > 0 {
		return st.Listen
	}
	return []netip.AddrPort{}
}

// close ends all connections: those with a request under way after its answer,
// if that does not take long, and WebSockets with a word.
func (d *door) close() {
	for _, l := range d.open {
		l.Close()
	}
	d.s.socks.close()
	ctx, cancel := context.WithTimeout(context.Background(), leaveWait)
	defer cancel()
	if d.http.Shutdown(ctx) != nil {
		d.http.Close()
	}
	d.wg.Wait()
	d.s.socks.wait()
}
