package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWhatIsFoundIsShown with the words of Go 1.26.
func TestWhatIsFoundIsShown(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	seeds := filepath.Join(folder, "testdata", "fuzz", "FuzzBody")
	if err := os.MkdirAll(seeds, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(seeds, "771e938e4458e983"), []byte("go test fuzz v1\nstring(\"0\")\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	body := target{"aksio.app/shared/api", folder, "FuzzBody"}
	for output, want := range map[string]string{
		`--- FAIL: FuzzBody (0.02s)
    --- FAIL: FuzzBody (0.00s)
        body_test.go:9: no
    
    Failing input written to testdata/fuzz/FuzzBody/771e938e4458e983
    To re-run:
    go test -run=FuzzBody/771e938e4458e983
FAIL
`: `shared/api/testdata/fuzz/FuzzBody/771e938e4458e983 is
go test fuzz v1
string("0")
with it, this fails again: go run ./scripts/with -- go test -run='^FuzzBody$/^771e938e4458e983$' aksio.app/shared/api
`,
		"failure while testing seed corpus entry: FuzzBody/seed#0\n--- FAIL: FuzzBody (0.01s)\n": "",
	} {
		if got := body.found([]byte(output)); got != want {
			t.Errorf("of %s\ngot %s\nwant %s", output, got, want)
		}
	}
}

// TestTheEndOfTheTimeIsNoFailure with the words of Go 1.26.
func TestTheEndOfTheTimeIsNoFailure(t *testing.T) {
	t.Parallel()
	for output, want := range map[string]bool{
		"fuzz: elapsed: 10s, execs: 155925 (13279/sec), new interesting: 102 (total: 112)\n--- FAIL: FuzzID (10.06s)\n    context deadline exceeded\nFAIL\nexit status 1\n":                          true,
		"--- FAIL: FuzzID (10.06s)\n    --- FAIL: FuzzID (0.00s)\n        id_test.go:9: context deadline exceeded\n    \n    Failing input written to testdata/fuzz/FuzzID/771e938e4458e983\nFAIL\n": false,
		"--- FAIL: FuzzID (10.06s)\n    fuzzing process hung or terminated unexpectedly: exit status 2\nFAIL\n":                                                                                      false,
	} {
		if got := timeIsUp.MatchString(output); got != want {
			t.Errorf("%t of %s", got, output)
		}
	}
}
