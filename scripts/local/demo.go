package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// demo plays a student's day on the API at the address: from registering to an
// answer that cites the student's own document. It stops at the first step that fails.
func demo(ctx context.Context, out io.Writer, address, file string) error {
	if file == "" {
		return errors.New("say which document to study: make demo FILE=lecture.pdf (any PDF with text will do; or .docx, .pptx, .md, .txt)")
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("FILE: %w", err)
	}
	d := &day{client: client{address: strings.TrimSuffix(address, "/")}, out: out, file: file}
	for _, step := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
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
	} {
		began := time.Now()
		result, err := step.do(ctx)
		if err != nil {
			fmt.Fprintf(out, "✗ %s\n", step.name)
			return fmt.Errorf("demo: %s: %w", step.name, err)
		}
		done(out, step.name, result, time.Since(began))
	}
	fmt.Fprintf(out, "\ncards         %s\nquiz score    %s\ncited answer  %s\n", d.summary.cards, d.summary.quiz, d.summary.answer)
	return nil
}

// day is what the student knows so far.
type day struct {
	client
	out  io.Writer
	file string

	username, password string
	refresh            string // token
	course, document   string // ids
	topic              string
	quiz, card         string // ids

	summary struct{ cards, quiz, answer string }
}

func (d *day) detail(format string, args ...any) { detail(d.out, format, args...) }
