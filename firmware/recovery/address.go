// SPDX-License-Identifier: Apache-2.0

package recovery

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"evener/firmware/config"
	"evener/firmware/store"
)

// An Address says how the management port is reached, as the block management of
// the configuration has it.
type Address struct {
	Port    string   `json:"port,omitempty" doc:"by its name on the front; empty: the board's management port"`
	VLAN    int64    `json:"vlan,omitempty" doc:"1 to 4094; absent: frames without a tag"`
	Method  string   `json:"method" doc:"none, static or dhcp"`
	Address []string `json:"address,omitempty" doc:"with the lengths of their networks, such as 192.0.2.10/24"`
	Gateway []string `json:"gateway,omitempty"`
	DNS     []string `json:"dns,omitempty"`
}

func addressOf(m config.Management) Address {
	return Address{Port: m.Port, VLAN: m.VLAN, Method: string(m.Method), Address: texts(m.Address), Gateway: texts(m.Gateway), DNS: texts(m.DNS)}
}

func texts[T fmt.Stringer](list []T) (out []string) {
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

// SetAddress commits the running configuration with another management address,
// without a confirm. Everything else in the text stays as it is. An address that
// is no use is refused with all its mistakes.
func (b *Box) SetAddress(a Address, by By, comment string) (uint64, error) {
	running := b.store.Running().Number
	var text []byte
	if running > 0 {
		var err error
		if text, err = b.store.Text(running); err != nil {
			return 0, err
		}
	}
	if _, found := config.Parse("running", text); found.HasErrors() {
		return 0, fmt.Errorf("revision %d, which runs, has mistakes itself: restore another one first: %w", running, found)
	}
	text, err := a.edit(text)
	if err != nil {
		return 0, err
	}
	r, err := b.store.CommitText(text, store.CommitOptions{Author: by.Author, Origin: store.Origin(by.Origin),
		Comment: comment, Base: running})
	if errors.Is(err, store.ErrUnchanged) {
		return 0, errors.New("that is the management address already: nothing was changed")
	}
	return r.Number, err
}

// edit writes a into a configuration.
func (a Address) edit(text []byte) ([]byte, error) {
	values := map[string]string{"method": strconv.Quote(a.Method), "port": "", "vlan": "", "address": "", "gateway": "", "dns": ""}
	if a.Port != "" {
		if config.CheckName(a.Port) != nil {
			return nil, fmt.Errorf("a port is called like 1 or mgmt, not %q", a.Port)
		}
		values["port"] = strconv.Quote(a.Port)
	}
	if a.VLAN < 0 || a.VLAN > 4094 {
		return nil, fmt.Errorf("a VLAN has a number of 1 to 4094, not %d", a.VLAN)
	}
	if a.VLAN > 0 {
		values["vlan"] = strconv.FormatInt(a.VLAN, 10)
	}
	if a.Method != "static" && a.Method != "dhcp" && a.Method != "none" {
		return nil, fmt.Errorf("the method must be none, static or dhcp, not %q", a.Method)
	}
	var err error
	if values["address"], err = list(a.Address, func(s string) error { _, err := netip.ParsePrefix(s); return err },
		"an address with the length of its network, such as 192.0.2.10/24"); err != nil {
		return nil, err
	}
	addr := func(s string) error { _, err := netip.ParseAddr(s); return err }
	if values["gateway"], err = list(a.Gateway, addr, "an address, such as 192.0.2.1"); err != nil {
		return nil, err
	}
	if values["dns"], err = list(a.DNS, addr, "an address, such as 192.0.2.53"); err != nil {
		return nil, err
	}
	path := config.Path{{Block: "management"}}
	root, found := config.Objects(text)
	if found.HasErrors() {
		return nil, found
	}
	has := map[string]string{}
	if o := root.Find(path); o != nil {
		has = o.Attrs
	}
	for _, name := range []string{"method", "port", "vlan", "address", "gateway", "dns"} {
		if _, given := has[name]; values[name] == "" && !given {
			continue
		}
		if text, found = config.Edit(text, path, name, values[name]); found.HasErrors() {
			return nil, found
		}
	}
	if _, found = config.Parse("management", text); found.HasErrors() {
		return nil, fmt.Errorf("the management address is not set: %w", found)
	}
	return text, nil
}

// list writes a list as the configuration has it, "" for none.
func list(in []string, check func(string) error, want string) (string, error) {
	if len(in) == 0 {
		return "", nil
	}
	var out []string
	for _, s := range in {
		if check(s) != nil {
			return "", fmt.Errorf("it takes %s, not %q", want, s)
		}
		out = append(out, strconv.Quote(s))
	}
	return "[" + strings.Join(out, ", ") + "]", nil
}
