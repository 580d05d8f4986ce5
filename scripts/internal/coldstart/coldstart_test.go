package coldstart

import (
	"context"
	"debug/buildinfo"
	"testing"
)

// TestProgramsStart builds a function, and what functions are measured beside: it is text to
// this package's compiler.
func TestProgramsStart(t *testing.T) {
	t.Chdir("../../..")
	programs := New(t.TempDir(), nil)
	for name, build := range map[string]func(context.Context) (Program, error){
		"hello": programs.Hello, "linked hello": programs.LinkedHello,
		"edge-router": func(ctx context.Context) (Program, error) { return programs.Function(ctx, "edge-router") },
	} {
		program, err := build(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if ms, err := program.First(t.Context()); err != nil || ms <= 0 {
			t.Errorf("%s: first answer after %v ms, %v", name, ms, err)
		}
		info, err := buildinfo.ReadFile(program.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, module := range info.Deps {
			if module.Path == "aksio.app/shared" && module.Replace == nil {
				t.Errorf("%s is built with the versions of the workspace, which aren't those of its bundle", name)
			}
		}
	}
}
