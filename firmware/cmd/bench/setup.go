// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
)

// A setup is what a proxy has to do in a case; each proxy has its own words for
// it. Everything that is not named is off: no logs, no compression, one thread,
// connections to the origin are kept and shared.
type setup struct {
	listen  int   // port of the proxy
	metrics int   // port of its statistics
	origins []int // ports of the members
	tcp     bool  // relay bytes instead of HTTP
	persist bool  // cookie persistence, X-Forwarded-For
	rules   int   // rules that look at the path and do not match
	hosts   bool  // every other rule looks at the host instead
	splice  bool  // bodies by splice(2) where the proxy can be told so
	console int   // port of Evener's console; 0: none, as the other balancers have none

	identity *identity // what clients are shown, by TLS 1.3 alone; nil: in the clear
	http2    bool      // HTTP/2 with clients, by ALPN, in place of HTTP/1.1
}

// protocol is what clients negotiate by ALPN.
func (s setup) protocol() string {
	if s.http2 {
		return "h2"
	}
	return "http/1.1"
}

// check returns what tells whether a proxy does what the setup says.
func (s setup) check() func(addr string) error {
	switch {
	case s.tcp:
		return checkTCP
	case s.identity != nil:
		return checkTLS(s.identity, s.protocol())
	}
	return checkHTTP
}

// haproxyConfig is for HAProxy 2.6 and later.
func haproxyConfig(s setup) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("global\n\tnbthread 1\n\tmaxconn 8500\n\tmaxpipes 256\n\ttune.ssl.cachesize 0\ndefaults\n\ttimeout connect 5s\n\ttimeout client 120s\n\ttimeout server 120s")
	if s.tcp {
		p("\tmode tcp")
	} else {
		p("\tmode http\n\thttp-reuse always\n\ttimeout http-keep-alive 120s")
	}
	if s.splice {
		p("\toption splice-auto\n\toption splice-request\n\toption splice-response")
	}
	if s.persist {
		p("\toption forwardfor")
	}
	p("frontend f\n\tbind 127.0.0.1:%d%s", s.listen, haproxyTLS(s))
	if s.persist && s.identity != nil {
		p("\thttp-request set-header X-Forwarded-Proto https")
	}
	for i := range s.rules {
		what := fmt.Sprintf("path_beg /r%d/", i)
		if s.hosts && i%2 == 1 {
			what = fmt.Sprintf("hdr(host) -i h%d.example.com", i)
		}
		p("\tacl r%d %s\n\tuse_backend other if r%d", i, what, i)
	}
	p("\tdefault_backend shop")
	for _, name := range []string{"shop", "other"} {
		p("backend %s", name)
		if s.persist {
			p("\tcookie SRV insert indirect nocache")
		}
		for i, port := range s.origins {
			cookie := ""
			if s.persist {
				cookie = fmt.Sprintf(" cookie m%d", i)
			}
			p("\tserver m%d 127.0.0.1:%d%s", i, port, cookie)
		}
		if s.tcp {
			break
		}
	}
	p("frontend metrics\n\tmode http\n\tbind 127.0.0.1:%d\n\tstats enable\n\tstats uri /metrics", s.metrics)
	return b.String()
}

// haproxyTLS ends a bind line. OpenSSL's settings do the rest, see openSSLSettings.
func haproxyTLS(s setup) string {
	if s.identity == nil {
		return ""
	}
	return fmt.Sprintf(" ssl crt %s ssl-min-ver TLSv1.3 ciphersuites TLS_AES_128_GCM_SHA256 curves X25519 no-tls-tickets alpn %s",
		s.identity.file, s.protocol())
}

// nginxConfig is for nginx 1.18 and later, as a proxy. Its open-source edition
// has no cookie persistence; maps do the same.
func nginxConfig(s setup, dir string) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("%s", nginxHead(dir))
	p("keepalive_timeout 120s; keepalive_requests 100000000;")
	var members strings.Builder
	for i, port := range s.origins {
		fmt.Fprintf(&members, "server 127.0.0.1:%d; ", port)
		p("upstream m%d { server 127.0.0.1:%d; keepalive 256; keepalive_requests 100000000; }", i, port)
	}
	p("upstream shop { %skeepalive 256; keepalive_requests 100000000; }", members.String())
	p("map $cookie_SRV $to { default shop;")
	for i := range s.origins {
		p("m%d m%d;", i, i)
	}
	p("}\nmap $upstream_addr $is {")
	for i, port := range s.origins {
		p("127.0.0.1:%d m%d;", port, i)
	}
	p("}\nmap $cookie_SRV $set { default \"\"; \"\" \"SRV=$is; path=/\"; }")
	p("proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Host $host;")
	p("proxy_max_temp_file_size 0; proxy_buffers 16 16k; client_body_buffer_size 64k;")
	if s.persist {
		p("proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; add_header Set-Cookie $set;")
	}
	if s.persist && s.identity != nil {
		p("proxy_set_header X-Forwarded-Proto $scheme;")
	}
	p("server { listen 127.0.0.1:%d backlog=4096%s", s.listen, nginxTLS(s))
	for i := range s.rules {
		p("location /r%d/ { proxy_pass http://shop; }", i)
	}
	to := "shop"
	if s.persist {
		to = "$to"
	}
	p("location / { proxy_pass http://%s; }\n}", to)
	p("server { listen 127.0.0.1:%d; location /metrics { stub_status; } }\n}", s.metrics)
	return b.String()
}

// nginxTLS ends a listen directive.
func nginxTLS(s setup) string {
	if s.identity == nil {
		return ";"
	}
	h2 := ""
	if s.http2 {
		h2 = " http2"
	}
	return fmt.Sprintf(" ssl%s; ssl_certificate %[2]s; ssl_certificate_key %[2]s; ssl_protocols TLSv1.3; ssl_ecdh_curve X25519; "+
		"ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; ssl_session_tickets off; ssl_session_cache off; "+
		"ssl_conf_command NumTickets 0;", h2, s.identity.file)
}

// nginxHead begins a configuration for one worker without logs in dir.
func nginxHead(dir string) string {
	return fmt.Sprintf("daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid %[1]s/nginx.pid; "+
		"error_log stderr crit;\nevents { worker_connections 9500; }\nhttp { access_log off; "+
		"client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; "+
		"uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;", dir)
}

// certificateName is what Evener calls the identity.
const certificateName = "bench"

// evenerConfig is for this tree. What Evener does by itself and the others do
// not is switched off.
func evenerConfig(s setup) string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("engine { loops = 1 }\nmetrics { listen = \"127.0.0.1:%d\" }", s.metrics)
	if s.identity != nil {
		p("certificate %q {}", certificateName)
	}
	for i, port := range s.origins {
		p("server \"m%d\" { address = \"127.0.0.1:%d\" }", i, port)
	}
	if s.console == 0 {
		p("console { listen = [] }")
	} else {
		p("console { listen = [\"127.0.0.1:%d\"] }", s.console)
	}
	pools := []string{"shop", "other"}
	if s.rules == 0 {
		pools = pools[:1] // an unused one is a warning
	}
	for _, name := range pools {
		p("pool %q {\n  policy = \"round_robin\"\n  idle   = 256", name)
		for i := range s.origins {
			p("  member \"m%d\" {}", i)
		}
		p("}")
	}
	p("cluster \"shop\" {\n  listen = [\"127.0.0.1:%d\"]\n  pool   = \"shop\"", s.listen)
	if s.tcp {
		p("  protocol = \"tcp\"\n}")
		return b.String()
	}
	if s.identity == nil {
		p("  protocol   = \"http\"")
	} else {
		p("  protocol   = \"https\"\n  tls {\n    certificates = [%q]\n    profile = \"custom\"\n    min_version = \"1.3\"\n"+
			"    curves = [\"X25519\"]\n    session_tickets = false\n    http2 = %t\n  }", certificateName, s.http2)
	}
	p("  via        = false\n  request_id = false\n  ignore_case = false")
	p("  timeouts { client_idle = \"120s\" }")
	if s.persist {
		p("  client_ip  = true\n  persist \"cookie\" {}")
	}
	for i := range s.rules {
		what := fmt.Sprintf("path_prefix(\"/r%d/\")", i)
		if s.hosts && i%2 == 1 {
			what = fmt.Sprintf("host(\"h%d.example.com\")", i)
		}
		p("  rule \"r%d\" {\n    when = %s\n    pool = \"other\"\n  }", i, what)
	}
	p("}")
	return b.String()
}
