// SPDX-License-Identifier: Apache-2.0

package api

import (
	"cmp"
	"fmt"
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

	// Body names the parameter that is the whole JSON body, an object. Others that
	// are not in the path come from the query then. Empty: the members of the
	// body are the parameters.
	Body string

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
	case r.Body != "" && (params.Properties[r.Body] == nil || r.Verb == "GET" || r.Verb == "DELETE"):
		return "the body is " + r.Body + ", which must be a parameter of a PUT, POST or PATCH"
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

// joins says whether the part called name goes into a parameter of Join.
func (r *REST) joins(name string) bool {
	for _, text := range r.Join {
		if strings.Contains(text, "{"+name+"}") {
			return true
		}
	}
	return false
}

// inQuery says whether parameters that are not in the path are in the query,
// otherwise in the body.
func (r *REST) inQuery() bool { return r.Verb == "GET" || r.Verb == "DELETE" || r.Body != "" }

// Resource makes the method called name, which is registered, the resource rest.
// Like [Add] it panics on a mistake.
func (r *Registry) Resource(name string, rest REST) {
	m := r.methods[name]
	if m == nil {
		panic(fmt.Sprintf("api: resource %s %s is of %q, which is no method", rest.Verb, rest.Path, name))
	}
	if why := rest.fault(m.params); why != "" {
		panic(fmt.Sprintf("api: method %q: %s", name, why))
	}
	for _, other := range r.methods {
		if other.REST != nil && other.REST.Verb == rest.Verb && other.REST.Path == rest.Path {
			panic(fmt.Sprintf("api: method %q: %s is at %s %s already", name, other.Name, rest.Verb, rest.Path))
		}
	}
	m.REST = &rest
}

// A Route is one resource of the HTTP API: what a verb and a path call.
type Route struct {
	Verb    string            `json:"verb"`
	Path    string            `json:"path" doc:"below /api/v1, with parts in braces"`
	Method  string            `json:"method" doc:"that is called"`
	Join    map[string]string `json:"join,omitempty" doc:"parameters that are made of parts of the path"`
	ETag    string            `json:"etag,omitempty" doc:"member of the result that identifies this state of the resource"`
	IfMatch string            `json:"if_match,omitempty" doc:"parameter that takes it back"`
	Body    string            `json:"body,omitempty" doc:"parameter that is the whole body; others are in the query then"`
}

// Routes returns the resources of the HTTP API in the order of their paths.
func (r *Registry) Routes() []Route {
	routes := []Route{}
	for _, m := range r.Methods() {
		if rest := m.REST; rest != nil {
			routes = append(routes, Route{rest.Verb, rest.Path, m.Name, rest.Join, rest.ETag, rest.IfMatch, rest.Body})
		}
	}
	slices.SortFunc(routes, func(a, b Route) int {
		return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.Verb, b.Verb))
	})
	return routes
}
