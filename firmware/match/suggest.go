// SPDX-License-Identifier: Apache-2.0

package match

// elsewhere holds names that other products use, and ours for the same thing.
var elsewhere = map[string]string{
	"path": "pathname", "uri": "pathname", "url": "pathname", "path_beg": "path_prefix",
	"path_reg": "pathname_regex", "path_regex": "pathname_regex", "path_end": "pathname_suffix",
	"ip": "client_ip", "src": "client_ip", "source_ip": "client_ip", "hdr": "header",
	"url_param": "query_param", "default": fnAny, "all": fnAny,
	"ssl": "tls", "https": "tls", "secure": "tls", "ssl_fc": "tls", "http2": "http_2", "h2": "http_2",
	"ssl2": "tls_version", "ssl3": "tls_version", "tls1": "tls_version", "ssl_version": "tls_version",
	"server_name": "sni", "req_ssl_sni": "sni", "ssl_fc_sni": "sni", "client_cert_cn": "client_cert_subject_prefix",
	"ssl_c_s_dn": "client_cert_subject", "ssl_c_i_dn": "client_cert_issuer", "ssl_c_used": "client_cert",
}

// suggest returns the function whose name is nearest to name, or "" if none is
// near enough to be what was meant.
func suggest(name string) string {
	if ours, ok := elsewhere[name]; ok {
		return ours
	}
	if len(name) > 40 {
		return ""
	}
	best, limit := "", max(1, len(name)/3)+1
	for i := range functions {
		if d := distance(name, functions[i].name); d < limit {
			best, limit = functions[i].name, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
