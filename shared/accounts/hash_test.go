package accounts

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// An Argon2id hash of "password" that the reference implementation's command made:
// echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1
const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

func TestVerify(t *testing.T) {
	t.Parallel()
	fresh, err := newHash(t.Context(), "pässword")
	if err != nil {
		t.Fatal(err)
	}
	again, err := newHash(t.Context(), "pässword")
	if err != nil {
		t.Fatal(err)
	}
	if fresh.String() == again.String() {
		t.Error("two hashes of one password have one salt")
	}
	for name, tc := range map[string]struct {
		stored, password string
		ok, weak         bool
	}{
		"right":             {fresh.String(), "pässword", true, false},
		"decomposed":        {fresh.String(), "pa\u0308ssword", true, false}, // the same text from another keyboard
		"wrong":             {fresh.String(), "password", false, false},
		"empty":             {fresh.String(), "", false, false},
		"by others":         {reference, "password", true, false},
		"fewer passes":      {"$argon2id$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg", "x", false, true},
		"less memory":       {"$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$9qWtwbpyPd3vm1rB1GThgPzZ3/ydHL92zKL+15XZypg", "x", false, true},
		"no hash":           {"not a hash", "not a hash", false, false},
		"no hash, no input": {"", "", false, false},
	} {
		ok, weak, err := verify(t.Context(), tc.stored, tc.password)
		if ok != tc.ok || weak != tc.weak || err != nil {
			t.Errorf("%s: got %v, %v, %v; want %v, %v", name, ok, weak, err, tc.ok, tc.weak)
		}
	}
}

func TestHashingWaitsForItsTurnOnlyAsLongAsTheCaller(t *testing.T) {
	for range cap(slots) {
		slots <- struct{}{}
	}
	defer func() {
		for range cap(slots) {
			<-slots
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := newHash(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("new hash: got %v", err)
	}
	if _, _, err := verify(ctx, reference, "password"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("verify: got %v", err)
	}
}

func FuzzParseHash(f *testing.F) {
	for _, seed := range []string{
		reference, "", "$", "$$$$$", "not a hash",
		strings.Replace(reference, "argon2id", "argon2i", 1),
		strings.Replace(reference, "v=19", "v=16", 1),
		strings.Replace(reference, "m=65536", "m=4294967295", 1),
		strings.Replace(reference, "m=65536", "m=0", 1),
		strings.Replace(reference, "t=2", "t=0", 1),
		strings.Replace(reference, "p=1", "p=256", 1),
		strings.Replace(reference, "p=1", "p=1,data=x", 1),
		strings.Replace(reference, "c29tZXNhbHQ", "", 1),
		strings.Replace(reference, "c29tZXNhbHQ", "c29tZXNhbHR", 1), // bits behind the last byte
		reference + "=", reference + "$",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parseHash(text)
		if err != nil {
			return
		}
		if h.memory > maxMemory || h.passes > maxPasses || h.threads > maxThreads || h.passes == 0 || h.threads == 0 ||
			len(h.salt) > maxBytes || len(h.digest) > maxBytes || len(h.digest) == 0 {
			t.Errorf("%q asks for %+v", text, h)
		}
		again, err := parseHash(h.String())
		if err != nil || again.String() != h.String() {
			t.Errorf("%q is written as %q, which reads as %q, %v", text, h, again, err)
		}
	})
}
