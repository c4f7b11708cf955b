// SPDX-License-Identifier: Apache-2.0

package manage

import (
	"context"
	"encoding/json"

	"evener/firmware/api"
)

// member is the path of one member of a pool, and inMember how methods call it.
const member = "/pools/{pool}/members/{name}"

// block1 and block2 are the paths of one block of the configuration, and of one within
// it: /config/pool/shop, /config/pool/shop/member/web1.
const (
	block1 = "/config/{type}/{name}"
	block2 = block1 + "/{part}/{label}"
)

var inMember = map[string]string{"member": "{pool}/{name}"}

// resources is the HTTP API below /api/v1: which methods are at which place. Lists
// and things are read with GET, a thing as a whole is made or replaced with PUT,
// actions are POSTs.
var resources = map[string]api.REST{
	"sys.info":        {Verb: "GET", Path: "/info"},
	"sys.log":         {Verb: "GET", Path: "/log"},
	"sys.metrics":     {Verb: "GET", Path: "/metrics"},
	"sys.rest":        {Verb: "GET", Path: "/resources"},
	"sys.restart":     {Verb: "POST", Path: "/roles/{role}/restart"},
	"sys.reboot":      {Verb: "POST", Path: "/reboot"},
	"sys.halt":        {Verb: "POST", Path: "/halt"},
	"metrics.history": {Verb: "GET", Path: "/metrics/history"},

	"config.text":      {Verb: "GET", Path: "/config", ETag: "revision"},
	"config.put":       {Verb: "PUT", Path: "/config", ETag: "revision.number", IfMatch: "base"},
	"config.history":   {Verb: "GET", Path: "/config/history"},
	"config.diff":      {Verb: "GET", Path: "/config/diff"},
	"config.language":  {Verb: "GET", Path: "/config/language"},
	"config.object":    {Verb: "GET", Path: "/config/object"},
	"config.values":    {Verb: "GET", Path: "/config/values"},
	"config.test":      {Verb: "POST", Path: "/config/test"},
	"config.review":    {Verb: "GET", Path: "/config/review"},
	"config.rebase":    {Verb: "POST", Path: "/config/rebase"},
	"config.candidate": {Verb: "GET", Path: "/config/candidate", ETag: "revision"},
	"config.set":       {Verb: "PUT", Path: "/config/candidate", IfMatch: "base"},
	"config.discard":   {Verb: "DELETE", Path: "/config/candidate"},
	"config.adopt":     {Verb: "POST", Path: "/config/candidate/adopt"},
	"config.check":     {Verb: "POST", Path: "/config/check"},
	"config.commit":    {Verb: "POST", Path: "/config/commit", ETag: "revision.number", IfMatch: "base"},
	"config.confirm":   {Verb: "POST", Path: "/config/confirm", ETag: "revision.number"},
	"config.extend":    {Verb: "POST", Path: "/config/extend"},
	"config.revert":    {Verb: "POST", Path: "/config/revert", ETag: "revision.number"},
	"config.rollback":  {Verb: "POST", Path: "/config/history/{revision}/rollback", ETag: "revision.number"},

	"resource.get":    {Verb: "GET", Path: block1, ETag: "revision"},
	"resource.put":    {Verb: "PUT", Path: block1, Body: "values", ETag: "revision.number", IfMatch: "base"},
	"resource.patch":  {Verb: "PATCH", Path: block1, Body: "values", ETag: "revision.number", IfMatch: "base"},
	"resource.delete": {Verb: "DELETE", Path: block1, ETag: "revision.number", IfMatch: "base"},
	"part.get":        {Verb: "GET", Path: block2, ETag: "revision"},
	"part.put":        {Verb: "PUT", Path: block2, Body: "values", ETag: "revision.number", IfMatch: "base"},
	"part.patch":      {Verb: "PATCH", Path: block2, Body: "values", ETag: "revision.number", IfMatch: "base"},
	"part.delete":     {Verb: "DELETE", Path: block2, ETag: "revision.number", IfMatch: "base"},

	"cluster.list":    {Verb: "GET", Path: "/clusters"},
	"rule.list":       {Verb: "GET", Path: "/rules"},
	"pool.list":       {Verb: "GET", Path: "/pools"},
	"connection.list": {Verb: "GET", Path: "/connections"},
	"explain.request": {Verb: "POST", Path: "/explain"},
	"responder.test":  {Verb: "POST", Path: "/responders/{name}/test"},
	"server.enable":   {Verb: "POST", Path: member + "/enable", Join: inMember},
	"server.disable":  {Verb: "POST", Path: member + "/disable", Join: inMember},
	"server.drain":    {Verb: "POST", Path: member + "/drain", Join: inMember},
	"server.cancel":   {Verb: "POST", Path: member + "/cancel", Join: inMember},
	"server.quiesce":  {Verb: "POST", Path: member + "/quiesce", Join: inMember},
	"server.weight":   {Verb: "POST", Path: member + "/weight", Join: inMember},
	"probe.run":       {Verb: "POST", Path: member + "/probe", Join: inMember},

	"persist.list":   {Verb: "GET", Path: "/persistence"},
	"persist.clear":  {Verb: "DELETE", Path: "/persistence"},
	"persist.rotate": {Verb: "POST", Path: "/persistence/rotate"},

	"certificate.list":           {Verb: "GET", Path: "/certificates"},
	"certificate.show":           {Verb: "GET", Path: "/certificates/{name}"},
	"certificate.import":         {Verb: "PUT", Path: "/certificates/{name}"},
	"certificate.remove":         {Verb: "DELETE", Path: "/certificates/{name}"},
	"certificate.chain":          {Verb: "GET", Path: "/certificates/{name}/chain"},
	"certificate.renew":          {Verb: "POST", Path: "/certificates/{name}/renew"},
	"certificate.request":        {Verb: "PUT", Path: "/certificate_requests/{name}"},
	"certificate.request_list":   {Verb: "GET", Path: "/certificate_requests"},
	"certificate.request_show":   {Verb: "GET", Path: "/certificate_requests/{name}"},
	"certificate.request_like":   {Verb: "GET", Path: "/certificates/{name}/request"},
	"certificate.request_remove": {Verb: "DELETE", Path: "/certificate_requests/{name}"},
	"certificate.eab":            {Verb: "PUT", Path: "/acme/{acme}/key"},
	"certificate.rotate_tickets": {Verb: "POST", Path: "/tickets/rotate"},
	"trust.list":                 {Verb: "GET", Path: "/trusts"},
	"trust.import":               {Verb: "PUT", Path: "/trusts/{name}"},
	"trust.remove":               {Verb: "DELETE", Path: "/trusts/{name}"},

	"audit.query":  {Verb: "GET", Path: "/audit"},
	"audit.verify": {Verb: "POST", Path: "/audit/verify"},
	"audit.export": {Verb: "GET", Path: "/audit/export"},
	"event.list":   {Verb: "GET", Path: "/events"},
	"event.ack":    {Verb: "POST", Path: "/events/ack"},
	"alert.list":   {Verb: "GET", Path: "/alerts"},
	"alert.test":   {Verb: "POST", Path: "/alerts/test"},
	"alert.secret": {Verb: "PUT", Path: "/alerts/secrets/{name}"},

	"user.list":         {Verb: "GET", Path: "/users"},
	"user.create":       {Verb: "POST", Path: "/users"},
	"user.get":          {Verb: "GET", Path: "/users/{name}"},
	"user.update":       {Verb: "PATCH", Path: "/users/{name}"},
	"user.delete":       {Verb: "DELETE", Path: "/users/{name}"},
	"user.set_password": {Verb: "PUT", Path: "/users/{name}/password"},
	"user.reset_totp":   {Verb: "DELETE", Path: "/users/{name}/totp"},
	"session.list":      {Verb: "GET", Path: "/sessions"},
	"session.revoke":    {Verb: "DELETE", Path: "/sessions/{id}"},
	"token.list":        {Verb: "GET", Path: "/tokens"},
	"token.create":      {Verb: "POST", Path: "/tokens"},
	"token.revoke":      {Verb: "DELETE", Path: "/tokens/{id}"},
	"throttle.list":     {Verb: "GET", Path: "/throttles"},
	"throttle.clear":    {Verb: "DELETE", Path: "/throttles"},
}

// addREST says which methods are resources, and how clients learn of them. All
// others are registered before.
func (b *Box) addREST(reg *api.Registry) {
	b.addPut(reg)
	b.addResources(reg)
	api.Add(reg, api.Method{Name: "sys.rest", Purpose: "Lists the resources of the HTTP API.", Role: api.Viewer},
		func(context.Context, api.Call, struct{}) ([]api.Route, error) { return reg.Routes(), nil })
	api.Add(reg, api.Method{Name: "sys.openapi", Purpose: "Describes the HTTP API as an OpenAPI 3.1 document.", Role: api.Viewer},
		func(context.Context, api.Call, struct{}) (json.RawMessage, error) { return reg.OpenAPI(b.cfg.Version) })
	for method, rest := range resources {
		reg.Resource(method, rest)
	}
}
