responder "both" {
  body = "x"
  file = "/etc/x"
}

responder "status" {
  redirect = "/new"
  status   = 200
}

responder "captures" {
  redirect = "/new/$2"
  match    = "^http://[^/]*/old/(.*)$"
}

responder "no_match" { redirect = "/new/$0" }

responder "match_only" {
  body  = "x"
  match = "x"
}

responder "file" { file = "../x" }
responder "dollar" { redirect = "https://$hos/" }
responder "dollars" { redirect = "/a$$1" }
responder "odd" { redirect = "/a$$$1" }
responder "end" { redirect = "/a$" }
responder "relative" { redirect = "new" }
responder "empty" {
  status = 204
  body   = "x"
}

responder "moved" { status = 301 }

responder "type" {
  redirect     = "/x"
  content_type = "text/plain"
}

responder "media" { content_type = "html" }
responder "low" { status = 100 }
