// SPDX-License-Identifier: Apache-2.0

package slot

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// versionForm is a version: one to four numbers, then what git describe or a
// pre-release adds: v1.4.0, 1.4, 1.4.0-rc.2, v1.4.0-12-g78527b8-dirty.
var versionForm = regexp.MustCompile(`^v?(\d{1,9}(?:\.\d{1,9}){0,3})(?:-([0-9A-Za-z.+-]{1,60}))?$`)

var sinceTag = regexp.MustCompile(`^(\d{1,9})-g[0-9a-f]+`)

// A version in parts that compare.
type version struct {
	num   [4]int
	since int    // commits since the tag
	pre   string // of a pre-release, which comes before the version itself
}

func parseVersion(s string) (version, error) {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		return version{}, fmt.Errorf("%q is not a version such as 1.4.0 or 1.4.0-rc.2", clip(s))
	}
	var v version
	for i, part := range strings.Split(m[1], ".") {
		v.num[i], _ = strconv.Atoi(part) // at most nine digits
	}
	switch n := sinceTag.FindStringSubmatch(m[2]); {
	case n != nil:
		v.since, _ = strconv.Atoi(n[1])
	case m[2] != "dirty":
		v.pre = m[2]
	}
	return v, nil
}

func (v version) compare(w version) int {
	for i := range v.num {
		if c := cmp.Compare(v.num[i], w.num[i]); c != 0 {
			return c
		}
	}
	if c := comparePre(v.pre, w.pre); c != 0 {
		return c
	}
	return cmp.Compare(v.since, w.since)
}

// comparePre orders pre-releases as Semantic Versioning 2.0.0, section 11 does.
func comparePre(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range min(len(as), len(bs)) {
		x, errX := strconv.Atoi(as[i])
		y, errY := strconv.Atoi(bs[i])
		var c int
		switch {
		case errX == nil && errY == nil:
			c = cmp.Compare(x, y)
		case errX == nil:
			c = -1
		case errY == nil:
			c = 1
		default:
			c = cmp.Compare(as[i], bs[i])
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(as), len(bs))
}

// CompareVersions returns -1, 0 or 1 as a is older than, equal to or newer than
// b. A version that has no number in it, such as that of a build outside of a
// release, is an error.
func CompareVersions(a, b string) (int, error) {
	v, err := parseVersion(a)
	if err != nil {
		return 0, err
	}
	w, err := parseVersion(b)
	if err != nil {
		return 0, err
	}
	return v.compare(w), nil
}
