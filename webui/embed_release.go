// SPDX-License-Identifier: Apache-2.0

//go:build release

package webui

import _ "embed"

// With the tag release the program does not compile without the built pages
// ("pattern dist/index.html: no matching files found"): the page that says how to
// build the console cannot get into a release by accident.
//
//go:embed dist/index.html
var _ []byte
