package coldstart

import (
	"context"
	"testing"
)

// TestHellosStart builds what functions are measured beside: it is text to this package's compiler.
func TestHellosStart(t *testing.T) {
	t.Chdir("../../..")
	programs := New(t.TempDir(), nil)
	for name, build := range map[string]func(context.Context) (Program, error){"hello": programs.Hello, "linked hello": programs.LinkedHello} {
		program, err := build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ms, err := program.First(t.Context()); err != nil || ms <= 0 {
			t.Errorf("%s: first answer after %v ms, %v", name, ms, err)
		}
	}
}
