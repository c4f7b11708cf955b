responder "a" {
  body = <<-EOT
      one
        two

      three
    EOT
}
