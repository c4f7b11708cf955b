// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"strings"
)

// Config returns the configuration that the box starts with: its own blocks, and
// those that all share.
func (b *Box) Config() string { return b.local() + b.lab.shared() }

// local is what the box does not share.
func (b *Box) local() string {
	var t strings.Builder
	fmt.Fprintf(&t, "node {\n  name   = %q\n  listen = \"10.255.0.%d:7460\"\n", b.Name, b.index+1)
	for i, p := range b.lab.Boxes {
		if p != b {
			fmt.Fprintf(&t, "\n  peer %q {\n    address = \"10.255.0.%d:7460\"\n  }\n", p.Name, i+1)
		}
	}
	fmt.Fprintf(&t, "}\n\nconsole {\n  listen = [\"10.255.0.%d:9443\"]\n}\n\nmetrics { listen = \"127.0.0.1:9100\" }\n\n", b.index+1)
	return t.String()
}

// shared is what all boxes have.
func (l *Lab) shared() string {
	if l.cfg.Shared != "" {
		return l.cfg.Shared
	}
	homes := make([]string, len(l.Boxes))
	for i, b := range l.Boxes {
		homes[i] = fmt.Sprintf("%q", b.Name)
	}
	return fmt.Sprintf(`group "front" {
  homes = [%s]
  %s

  router "lan" {
    port      = "front"
    vrid      = 10
    addresses = ["%s/24"]
  }

  router "lan6" {
    port      = "front"
    vrid      = 10
    addresses = ["%s/64"]
  }

  track "port" "back" {}
}

server "web1" { address = "198.51.100.11:80" }
server "web2" { address = "198.51.100.12:80" }

pool "shop" {
  member "web1" {}
  member "web2" {}

  probe "http" {
    path     = "/health"
    interval = "1s"
  }
}

cluster "shop" {
  protocol = "http"
  listen   = ["%s:80", "[%s]:80"]
  pool     = "shop"

  persist "cookie" {}
}

cluster "raw" {
  protocol = "tcp"
  listen   = ["%s:81"]
  pool     = "shop"

  persist "source" {}
}
%s`, strings.Join(homes, ", "), l.cfg.Group, VIP, VIP6, VIP, VIP6, VIP, l.cfg.More)
}
