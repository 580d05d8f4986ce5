// Command play is a program of the fake cloud: which one, and in which folder, its path says,
// <folder>/bin/<program>.
package main

import (
	"os"
	"path/filepath"

	"aksio.app/scripts/cloud/fakecloud"
)

func main() {
	path := os.Args[0]
	os.Exit(fakecloud.Play(filepath.Base(path), fakecloud.Folder(filepath.Dir(filepath.Dir(path))), os.Args[1:]))
}
