package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"aksio.app/scripts/internal/client"
)

// examples are for who has no document at hand.
const examples = "there are scripts/local/testdata/photosynthesis.md and shared/extract/testdata/GeoTopo-komprimiert.pdf to try"

// demo plays a student's day on the API at the address: from registering to an
// answer that cites the student's own document. It stops at the first step that fails,
// and goes on after one for which the document gives too little.
func demo(ctx context.Context, out io.Writer, address, file string) error {
	if file == "" {
		return errors.New("say which document to study: make demo FILE=lecture.pdf (any PDF with text will do; or .docx, .pptx, .html, .md, .txt); " + examples)
	}
	if rest, ok := strings.CutPrefix(file, "~/"); ok { // not every shell does it after FILE=
		file = filepath.Join(os.Getenv("HOME"), rest)
	}
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("FILE: there is no %s; %s", file, examples)
	}
	if err != nil {
		return fmt.Errorf("FILE: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("FILE: %s is no file: name a document", file)
	}
	if info.Size() == 0 {
		return fmt.Errorf("FILE: %s is empty: name a document with text", file)
	}
	d := &day{Client: client.Client{Address: strings.TrimSuffix(address, "/")}, out: out, file: file}
	err = d.play(ctx, d.steps())
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("demo: nothing answers at %s: say `make run` in another terminal first", d.Address)
	}
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	fmt.Fprintf(out, "\ncards         %s\nquiz score    %s\ncited answer  %s\n",
		cmp.Or(d.summary.cards, "none"), cmp.Or(d.summary.quiz, "none"), cmp.Or(d.summary.answer, "none"))
	return nil
}

// day is what the student knows so far.
type day struct {
	client.Client
	out  io.Writer
	file string

	username, password string
	refresh            string   // token
	course, document   string   // ids
	topics             []string // of the document, the most telling one first; its first words if it has none
	quiz, card         string   // ids; empty if there is none

	summary struct{ cards, quiz, answer string }
}

func (d *day) detail(format string, args ...any) { detail(d.out, format, args...) }

// step is one thing that the student does. It returns what came of it; the error
// nothing says that nothing did, and that the day goes on.
type step struct {
	name string
	do   func(context.Context) (string, error)
}

// nothing says why nothing came of a step, through no fault of the platform's.
type nothing string

func (n nothing) Error() string { return string(n) }

func (d *day) steps() []step {
	return []step{
		{"health", d.health},
		{"register", d.register},
		{"sign in", d.signIn},
		{"course", d.addCourse},
		{"upload", d.upload},
		{"read", d.follow},
		{"document", d.look},
		{"search", d.search},
		{"generate", d.generate},
		{"cards due", d.listDue},
		{"review", d.review},
		{"quiz", d.takeQuiz},
		{"chat", d.ask},
		{"sign out", d.signOut},
	}
}

// play carries out the steps up to the first that fails.
func (d *day) play(ctx context.Context, steps []step) error {
	for _, s := range steps {
		began := time.Now()
		result, err := s.do(ctx)
		if reason, ok := errors.AsType[nothing](err); ok {
			skipped(d.out, s.name, string(reason))
			continue
		}
		if err != nil {
			fmt.Fprintf(d.out, "✗ %s\n", s.name)
			return fmt.Errorf("%s: %w", s.name, err)
		}
		done(d.out, s.name, result, time.Since(began))
	}
	return nil
}
