// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// How many follow the box, and how many WebSockets the console admits of a session.
const (
	followers        = 50
	socketsOfSession = 8
)

// followed are the topics of the console's pages that change while traffic flows.
var followed = []string{
	"state.clusters", "state.pools", "state.members", "state.rules", "state.certificates", "state.problems",
	"state.system", "state.candidate", "state.confirm", "series.live", "log.events", "log.audit", "log.access", "log.system",
}

var followedSeries = []string{"engine:requests", "engine:errors", "engine:connections", "engine:bytes_in", "engine:bytes_out", "engine:p50", "engine:p95"}

// What is compared is small beside what a busy machine changes from one second to the
// next: many short rounds are compared one by one, as many times the usual ones.
const (
	managementPairs = 4
	managementPair  = 2 * time.Second
)

// managementLimit is how much of its throughput a box may lose to the followers, in %.
const managementLimit = 3

// managementLoad compares Evener with itself: watched by many clients of its
// console, and by nobody. The cost is that of all its processes, at the same rate of
// requests: as fast as they can would not compare them, for the clients take their share
// of the processor that makes the load, and a box that hears of fewer requests at a time
// has more to do for each.
func managementLoad(l *lab) ([]row, error) {
	s := l.full()
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	for i, label := range []string{evener, "unwatched"} {
		s.console = ports[i]
		if err := l.add(label, evener, s); err != nil {
			return nil, err
		}
	}
	f, err := l.openFollowers(ports[0])
	if err != nil {
		l.broken = strings.TrimSpace(l.broken + " " + err.Error())
	}
	defer f.close()
	t := map[string]*tally{}
	if len(l.proxies) == 2 { // or it is known why not
		rate, err := l.bestRate("unwatched")
		if err != nil {
			return nil, err
		}
		short := *l
		short.options.rounds, short.duration = managementPairs*l.options.rounds, managementPair
		if t, err = short.rounds(steady(rate * 3 / 4)); err != nil {
			return nil, err
		}
		l.proxies, l.broken = short.proxies, short.broken
	}
	r := l.managementRow(t)
	if lost := f.lost.Load(); lost > 0 {
		r.Note += fmt.Sprintf("%d clients of the console were lost. ", lost)
	}
	if f.events.Load() < followers {
		r.Note += "the clients of the console were told nothing. "
		r.OK = false
	}
	return []row{r}, nil
}

// managementRow tells how much of one processor the followers take, which is all that the
// box has here: so much less is left for requests.
func (l *lab) managementRow(t map[string]*tally) row {
	costs := l.row("management-load", "", 1, "unwatched", 0, t)
	r := row{Case: costs.Case, Unit: "% of the throughput, lost to 50 clients of the console", Limit: managementLimit,
		Rates: costs.Rates, Note: costs.Note}
	watched, alone := t[evener], t["unwatched"]
	if watched == nil || alone == nil || len(watched.costs) != len(alone.costs) {
		return r
	}
	r.About = fmt.Sprintf("At %.0f requests a second: %.2f µs of the processor for each, and %.2f µs without the clients.",
		costs.Rates["unwatched"], *costs.Evener, costs.Peers["unwatched"])
	r.put(evener, 100*lostThroughput(watched, alone))
	r.judge()
	return r
}

// lostThroughput returns the part of one processor that goes to what is not a request's:
// the median of rounds that followed each other, which had the machine in the same state.
func lostThroughput(watched, alone *tally) float64 {
	var lost []float64
	for i, cost := range watched.costs {
		lost = append(lost, (cost-alone.costs[i])*alone.rates[i]/1e6) // µs/s
	}
	return median(lost)
}

// steady makes so many requests a second.
func steady(rate float64) load {
	return func(p *proxy, d time.Duration) (work, error) {
		start := time.Now()
		answers, err := openLoopRun(p.addr(), rate, 64, d)
		n := float64(len(answers))
		return work{units: n, done: n, took: time.Since(start)}, err
	}
}

// A crowd follows a box.
type crowd struct {
	sockets      []*websocket.Conn
	wg           sync.WaitGroup
	ending       atomic.Bool
	events, lost atomic.Int64
}

func (c *crowd) close() {
	c.ending.Store(true)
	for _, ws := range c.sockets {
		ws.Close()
	}
	c.wg.Wait()
}

// openFollowers makes the first administrator of the box whose console has the port,
// and opens the followers' WebSockets.
func (l *lab) openFollowers(port int) (*crowd, error) {
	c := &crowd{}
	if len(l.proxies) == 0 {
		return c, nil // why is known
	}
	origin := fmt.Sprintf("https://127.0.0.1:%d", port)
	code, err := exec.CommandContext(l.ctx, l.evener, "setup-code", "--state", l.proxies[0].state).Output()
	if err != nil {
		return c, fmt.Errorf("evener setup-code: %w", err)
	}
	const password = "a bench needs no secrets"
	who := map[string]string{"code": strings.TrimSpace(string(code)), "user": "bench", "password": password}
	path := "/api/v1/setup"
	for i := range followers {
		if i%socketsOfSession == 0 {
			if err := l.enter(c, origin, path, who, min(socketsOfSession, followers-i)); err != nil {
				return c, err
			}
			path, who = "/api/v1/login", map[string]string{"user": "bench", "password": password}
		}
	}
	return c, nil
}

// ofTheBox trusts any certificate: the box is on this machine and signs its own.
var ofTheBox = &tls.Config{InsecureSkipVerify: true}

// enter begins a session and opens n WebSockets of it.
func (l *lab) enter(c *crowd, origin, path string, who map[string]string, n int) error {
	jar, _ := cookiejar.New(nil)
	client := http.Client{Timeout: 20 * time.Second, Jar: jar, Transport: &http.Transport{TLSClientConfig: ofTheBox, DisableKeepAlives: true}}
	body, _ := json.Marshal(who)
	resp, err := client.Post(origin+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)); resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %s", path, resp.Status, text)
	}
	for range n {
		if err := l.follow(c, origin, jar); err != nil {
			return err
		}
	}
	return nil
}

// follow opens one WebSocket and subscribes to everything. The console admits only
// so many new ones in a second.
func (l *lab) follow(c *crowd, origin string, jar http.CookieJar) error {
	d := websocket.Dialer{TLSClientConfig: ofTheBox, Subprotocols: []string{"evener.v1"}, Jar: jar, HandshakeTimeout: 10 * time.Second}
	target, _ := url.Parse(origin + "/api/v1/ws")
	target.Scheme = "wss"
	ctx, cancel := context.WithTimeout(l.ctx, 30*time.Second)
	defer cancel()
	for {
		ws, resp, err := d.DialContext(ctx, target.String(), http.Header{"Origin": {origin}})
		if err == nil {
			return c.subscribe(ws)
		}
		if resp == nil || resp.StatusCode != http.StatusTooManyRequests || ctx.Err() != nil {
			return fmt.Errorf("open a WebSocket of the console: %w", err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (c *crowd) subscribe(ws *websocket.Conn) error {
	c.sockets = append(c.sockets, ws)
	for i, topic := range followed {
		params := map[string]any{}
		if topic == "series.live" {
			params["series"] = followedSeries
		}
		call := map[string]any{"jsonrpc": "2.0", "id": i + 1, "method": "sub.open", "params": map[string]any{"topic": topic, "params": params}}
		if err := ws.WriteJSON(call); err != nil {
			return err
		}
	}
	c.wg.Go(func() {
		for {
			if _, _, err := ws.ReadMessage(); err != nil {
				if !c.ending.Load() {
					c.lost.Add(1)
				}
				return
			}
			c.events.Add(1)
		}
	})
	return nil
}
