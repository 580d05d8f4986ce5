// Command play is a program of the fake cloud: play <program> <folder> [argument…].
package main

import (
	"os"

	"aksio.app/scripts/cloud/fakecloud"
)

func main() {
	os.Exit(fakecloud.Play(os.Args[1], fakecloud.Folder(os.Args[2]), os.Args[3:]))
}
