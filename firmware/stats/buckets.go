// SPDX-License-Identifier: Apache-2.0

package stats

import (
	"fmt"
	"strconv"
	"time"
)

// exportedBounds are the upper bounds that the Prometheus text shows, each a
// bound of a bucket, so that the counts are exact.
var exportedBounds = []time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	1 * time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2500 * time.Millisecond, 5 * time.Second,
	10 * time.Second, 30 * time.Second, 60 * time.Second,
}

// exported holds, for each exported bound and +Inf, its text and the last bucket
// that is below it.
var exported = exportBuckets(exportedBounds)

type exportedBucket struct {
	le   string
	last int
}

func exportBuckets(bounds []time.Duration) []exportedBucket {
	var out []exportedBucket
	for _, d := range bounds {
		last := bucketOf(d.Nanoseconds())
		if upperBound(last) != d.Nanoseconds() {
			panic(fmt.Sprintf("stats: %v is not the bound of a bucket", d))
		}
		out = append(out, exportedBucket{strconv.FormatFloat(d.Seconds(), 'g', -1, 64), last})
	}
	return append(out, exportedBucket{"+Inf", numBuckets - 1})
}
