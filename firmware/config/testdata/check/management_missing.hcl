management { method = "static" }
