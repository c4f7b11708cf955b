// SPDX-License-Identifier: Apache-2.0

package phrase

import (
	"fmt"
	"strings"
	"testing"
)

func TestMemoryAsksOnceForWhatIsAskedOften(t *testing.T) {
	var m memory
	asked := map[string]int{}
	find := func(text string) meaning {
		asked[text]++
		return meaning{Said{Kind: text}, true}
	}
	look := func(text string) {
		t.Helper()
		if got := m.of(text, find); got.said.Kind != text || !got.ok {
			t.Fatalf("of(%.20q) = %+v", text, got)
		}
	}
	long := strings.Repeat("x", maxLength+1)
	for i := range 10 * maxRemembered {
		look("often")
		look(fmt.Sprint("once ", i))
	}
	look(long)
	look(long)
	if n := len(m.newer) + len(m.older); asked["often"] != 1 || asked["once 0"] != 1 || asked[long] != 2 || n > 2*maxRemembered {
		t.Errorf("asked %d times for what is asked often, %d times for a long text; %d texts are remembered",
			asked["often"], asked[long], n)
	}
	if look("once 0"); asked["once 0"] != 2 {
		t.Error("what nobody asks for is not forgotten")
	}
}
