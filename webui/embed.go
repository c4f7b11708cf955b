// SPDX-License-Identifier: Apache-2.0

package webui

import "embed"

// dist holds what webui/build.mjs wrote. In a tree where it has not run there is
// only .gitignore; "all:" lets the folder be embedded even so.
//
//go:embed all:dist
var dist embed.FS
