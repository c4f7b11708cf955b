// SPDX-License-Identifier: Apache-2.0

package config

import "github.com/hashicorp/hcl/v2"

// OperationRanges are where each of the operations on fields stands: none where they
// are not from a text.
type OperationRanges struct{ Request, Answer []hcl.Range }

// A Rewrite says how the targets of requests are rewritten: Prefix or Regex is
// given.
type Rewrite struct {
	Prefix     string    `json:"prefix,omitempty"`
	Regex      string    `json:"regex,omitempty"`
	To         string    `json:"to"`
	Query      bool      `json:"query"`       // regex: it sees the query too; false
	IgnoreCase bool      `json:"ignore_case"` // false
	Range      hcl.Range `json:"-"`
}

// Compress says which answers of a cluster or a rule are compressed.
type Compress struct {
	Disabled bool `json:"disabled"`

	GzipLevel   int `json:"gzip_level"`   // 1 to 6; 4
	BrotliLevel int `json:"brotli_level"` // 2 to 5; 4
	ZstdLevel   int `json:"zstd_level"`   // 1 or 2; 1

	Codings []string  `json:"codings"`  // the best first; none: zstd, br, gzip
	Types   []string  `json:"types"`    // media types; none: text and the like
	MinSize Bytes     `json:"min_size"` // 1KiB
	Range   hcl.Range `json:"-"`
}
