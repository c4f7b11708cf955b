// SPDX-License-Identifier: Apache-2.0

package api

import (
	"regexp"
	"slices"
	"strings"
)

// A REST says at which resource of the HTTP API a method is called.
type REST struct {
	Verb string // GET, PUT, POST, PATCH or DELETE

	// Path is below /api/v1, with parts in braces: /pools/{pool}/drain. A part
	// is the parameter of its name, unless Join uses it. All other parameters
	// come from the query (GET, DELETE) or from the JSON body.
	Path string

	// Join makes parameters from parts of the path that are none by
	// themselves: {"member": "{pool}/{name}"}.
	Join map[string]string

	// ETag names the integer of the result that identifies this state of the
	// resource, and IfMatch the integer parameter that takes it back. A dot leads
	// into an object: revision.number. Empty: none.
	ETag    string
	IfMatch string
}

var (
	restVerbs = []string{"GET", "PUT", "POST", "PATCH", "DELETE"}
	restPath  = regexp.MustCompile(`^(/([a-z0-9_-]+|\{[a-z0-9_]+\}))+$`)
	restPart  = regexp.MustCompile(`\{([a-z0-9_]+)\}`)
)

// fault returns what is wrong with r for a method with these parameters, or "".
func (r *REST) fault(params *Schema) string {
	switch {
	case !slices.Contains(restVerbs, r.Verb):
		return "the verb of a resource is " + oneOf(restVerbs)
	case !restPath.MatchString(r.Path):
		return "the path of a resource is such as /pools/{pool}/drain"
	case r.IfMatch != "" && params.Properties[r.IfMatch] == nil:
		return "If-Match is given to " + r.IfMatch + ", which is no parameter"
	}
	joined := make(map[string]bool)
	for name, text := range r.Join {
		if params.Properties[name] == nil {
			return "the path is joined to " + name + ", which is no parameter"
		}
		for _, part := range restPart.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(r.Path, part[0]) {
				return "the path has no part " + part[0]
			}
			joined[part[1]] = true
		}
	}
	for _, part := range restPart.FindAllStringSubmatch(r.Path, -1) {
		if !joined[part[1]] && params.Properties[part[1]] == nil {
			return "the path names " + part[0] + ", which is no parameter"
		}
	}
	return ""
}
