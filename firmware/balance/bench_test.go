// SPDX-License-Identifier: Apache-2.0

package balance

import (
	"fmt"
	"slices"
	"testing"

	"evener/firmware/pool"
)

func BenchmarkPick(b *testing.B) {
	for _, n := range []int{3, 64} {
		for _, p := range []Policy{RoundRobin, StaticWeight, LeastConnections, Random2, URIHash} {
			b.Run(fmt.Sprintf("%s/%d", p, n), func(b *testing.B) {
				s := Build(p, poolOf(slices.Repeat([]int{100}, n)...).Load())
				var c Cursor
				for k := uint64(0); b.Loop(); k++ {
					c.Pick(s, k, nil, 0)
				}
			})
		}
	}
}

func BenchmarkBuild(b *testing.B) {
	pl := poolOf(slices.Repeat([]int{100, 73, 51, 119}, 16)...)
	for _, p := range []Policy{RoundRobin, StaticWeight, URIHash} {
		b.Run(string(p), func(b *testing.B) {
			for b.Loop() {
				Build(p, pl.Load())
			}
		})
	}
	uneven := make([]pool.Share, 64)
	for i := range uneven {
		uneven[i] = pool.Share(50_000 + 1597*i)
	}
	b.Run("uneven", func(b *testing.B) {
		for b.Loop() {
			rotation(uneven)
		}
	})
}
