// SPDX-License-Identifier: Apache-2.0

package qemu

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"
)

// ConsolePort and ShopPort are TCP ports of a box: of its console, and of the cluster
// that [Person.Publish] makes.
const (
	ConsolePort = 9443
	ShopPort    = 8080
)

// ErrRefused is wrapped by the errors of a box that was asked, and has answered with an
// error of its own.
var ErrRefused = errors.New("the box says no")

// A Person uses the console of a box with a browser, logged in as its administrator.
type Person struct {
	*Guest
	http.Client
	User, Password string
}

func newPerson(g *Guest) *Person {
	p := &Person{Guest: g, User: "admin", Password: "correct horse battery staple"}
	p.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // as after a look at the fingerprint
	p.Timeout = time.Minute
	p.Jar, _ = cookiejar.New(nil) // never an error
	return p
}

// At is the same person at another guest, to which the box's disk has gone.
func (p *Person) At(g *Guest) *Person {
	return &Person{Guest: g, Client: p.Client, User: p.User, Password: p.Password}
}

// Post sends in as JSON to a path of the console and reads the answer into result, which
// may be nil.
func (p *Person) Post(ctx context.Context, path string, in, result any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+p.Addr(ConsolePort)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := p.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s: %s: %s", ErrRefused, path, resp.Status, text)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(text, result)
}

// Ask calls a method of the API. Params may be nil, and so may result.
func (p *Person) Ask(ctx context.Context, method string, params, result any) error {
	if params == nil {
		params = struct{}{}
	}
	var out struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := p.Post(ctx, "/api/v1/rpc", map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, &out); err != nil {
		return err
	}
	if out.Error != nil {
		return fmt.Errorf("%w: %s: %s", ErrRefused, method, out.Error)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(out.Result, result)
}

// Sudo gives the password again, which what is dangerous needs.
func (p *Person) Sudo(ctx context.Context) error {
	return p.Await(ctx, "the password again", func() error {
		return p.Post(ctx, "/api/v1/sudo", map[string]any{"password": p.Password}, nil)
	})
}

// Publish adds a cluster at [ShopPort] to the configuration and commits it. Its members
// are at ports of this machine, which the guest sees at 10.0.2.2. More goes into the
// configuration as it is.
func (p *Person) Publish(ctx context.Context, more string, ports ...int) error {
	var old struct {
		Text string `json:"text"`
	}
	if err := p.Ask(ctx, "config.text", nil, &old); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(old.Text + "\n" + more + "\n")
	members := ""
	for i, port := range ports {
		fmt.Fprintf(&b, "\nserver \"web%d\" { address = \"10.0.2.2:%d\" }\n", i, port)
		members += fmt.Sprintf("  member \"web%d\" {}\n", i)
	}
	fmt.Fprintf(&b, "pool \"shop\" {\n%s  probe \"http\" {\n    path = \"/health\"\n    interval = \"2s\"\n  }\n}\n", members)
	fmt.Fprintf(&b, "cluster \"shop\" {\n  protocol = \"http\"\n  listen = [\"0.0.0.0:%d\"]\n  pool = \"shop\"\n}\n", ShopPort)
	if err := p.Ask(ctx, "config.set", map[string]any{"text": b.String()}, nil); err != nil {
		return err
	}
	return p.Ask(ctx, "config.commit", map[string]any{"comment": "the shop"}, nil)
}

// Shop returns the answer of the cluster of [Person.Publish]. A status that is not 200 is
// an error.
func (g *Guest) Shop(ctx context.Context) (string, error) {
	// QEMU takes a connection before the guest does, and then nothing comes of it.
	client := &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+g.Addr(ShopPort)+"/", nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return string(text), err
}
