// SPDX-License-Identifier: Apache-2.0

package rewrite

import "strings"

// elsewhere holds names that other products use, and ours for the same thing.
var elsewhere = map[string]string{
	"remote_addr": "client_ip", "remote_port": "client_port", "src": "client_ip", "ip": "client_ip",
	"uri": "path", "request_uri": "path", "document_uri": "path", "args": "query", "query_string": "query",
	"request_method": "method", "server_protocol": "protocol", "proto": "scheme",
	"server_port": "listen_port", "server_addr": "listen_ip", "server": "member", "backend": "pool",
	"ssl_protocol": "tls_version", "ssl_cipher": "tls_cipher", "ssl_server_name": "sni", "server_name": "sni",
	"ssl_client_s_dn": "client_cert_subject", "ssl_client_i_dn": "client_cert_issuer",
	"ssl_client_serial": "client_cert_serial", "ssl_client_fingerprint": "client_cert_fingerprint",
	"ssl_client_escaped_cert": "client_cert_pem", "ssl_client_verify": "client_cert_verified",
	"unique_id": "request_id", "time": "time_unix", "msec": "time_unix_ms",
}

// suggest returns what was probably meant by the variable name, "" if nothing
// is near.
func suggest(name string) string {
	name = strings.ToLower(name)
	if ours, ok := elsewhere[name]; ok {
		return "$" + ours
	}
	if field, ok := strings.CutPrefix(name, "http_"); ok && field != "" {
		return "$header_" + field
	}
	for _, n := range kindNames[:Header] { // $hostfoo: nothing separates the two
		if rest, ok := strings.CutPrefix(name, n); ok && rest != "" && suggestNear(name) == "" {
			return "$(" + n + ")" + rest
		}
	}
	return suggestNear(name)
}

func suggestNear(name string) string {
	if len(name) > 40 {
		return ""
	}
	best, limit := "", max(1, len(name)/4)+1
	for _, n := range kindNames[:Header] {
		if d := distance(name, n); d < limit {
			best, limit = "$"+n, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace to turn a into
// b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0] // of the row before, at j-1
		row[0] = i + 1
		for j := range len(b) {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, row[j]+1, above+1)
		}
	}
	return row[len(b)]
}
