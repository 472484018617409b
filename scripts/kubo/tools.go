//go:build tools

// Package tools pins the IPFS node that the tests run against.
package tools

import _ "github.com/ipfs/kubo/cmd/ipfs"
