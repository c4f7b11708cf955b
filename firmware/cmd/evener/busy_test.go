// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// TestRunTellsOfABusyPort: the box stays up to be administered, and says which
// address it lacks, because of whom, and what becomes of it.
func TestRunTellsOfABusyPort(t *testing.T) {
	busy, err := net.Listen("tcp", loopback(t))
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	addr := busy.Addr().String()
	b := startLive(t, fmt.Sprintf("responder \"r\" {\n  status = 200\n}\ncluster \"c\" {\n  protocol = \"http\"\n"+
		"  listen = [%q]\n  responder = \"r\"\n}\n", addr))
	b.await("the terminal says what to do", func() bool { return strings.Contains(b.printed(), "End it with Ctrl-C.") })
	said := b.printed()
	for _, want := range []string{
		"ATTENTION: revision 1 is not served: listen on tcp " + addr + ": address already in use by ",
		fmt.Sprintf("(process %d); stop it or change listen", os.Getpid()),
		"it is tried again every 2s",
		"No client is served until then.",
	} {
		if !strings.Contains(said, want) {
			t.Errorf("the terminal lacks %q", want)
		}
	}
	busy.Close()
	b.await("the terminal says that clients are served", func() bool {
		_, after, ok := strings.Cut(b.printed(), "Clients are served now:\n")
		return ok && strings.Contains(after, "http://"+addr)
	})
	if out := b.must("status"); strings.Contains(out, "ATTENTION") {
		t.Errorf("status when the port is free again:\n%s", out)
	}
}
