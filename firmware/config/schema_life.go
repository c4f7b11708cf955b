// SPDX-License-Identifier: Apache-2.0

package config

// labels is the same in every block that has it.
var labels = Keyword{Name: "labels", Kind: KindMap, check: checkLabel, Unset: "none",
	Purpose: "Words by which people and their rights find the block, such as the team that owns it; at most 16."}

// testBlocks are requests whose way through the rules is known.
var testBlocks = []Block{
	{
		Name: "test", In: []string{"cluster"}, Label: "name", Only: onlyHTTP, field: "Tests", label: "Name",
		Purpose: "A request whose way through the rules is known. Every test is run before a commit.",
		Keywords: []Keyword{
			description,
			{Name: "request", Kind: KindString, Required: true, check: checkTestRequest,
				Purpose: "The method and the URL, or the path alone."},
			{Name: "headers", Kind: KindMap, check: checkTestHeader, Unset: "none but Host",
				Purpose: "The fields of the request, by their names."},
			{Name: "client_ip", Kind: KindString, check: checkIP, Unset: "192.0.2.1",
				Purpose: "The address that the request comes from."},
		},
	},
	{
		Name: "expect", In: []string{"test"}, Max: 1, field: "Expect",
		Purpose: "What must become of the request; what is not given is not looked at.",
		Keywords: []Keyword{
			{Name: "rule", Kind: KindString, Unset: "any",
				Purpose: "The rule that decides; an empty text means the cluster's own settings."},
			{Name: "pool", Kind: KindString, Unset: "any",
				Purpose: "The pool that serves the request; an empty text means none."},
			{Name: "responder", Kind: KindString, Unset: "any",
				Purpose: "The responder that answers; an empty text means none."},
			{Name: "status", Kind: KindInt, Min: "0", Max: "599", Default: "0",
				Purpose: "The status of an answer that the box itself gives; 0 is not looked at."},
		},
	},
}
