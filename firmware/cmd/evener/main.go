// Command evener.
package main

import (
	_ "github.com/hashicorp/hcl/v2/hclwrite"
	_ "github.com/spf13/cobra"
	_ "golang.org/x/sys/unix"
	_ "golang.org/x/crypto/chacha20poly1305"
)

func main() {}
